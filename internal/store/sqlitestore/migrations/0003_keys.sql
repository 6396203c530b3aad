-- +goose Up

-- API keys. A secret is never here, only its SHA-256.
CREATE TABLE api_key (
    id              BLOB    PRIMARY KEY,
    name            TEXT    NOT NULL,
    kind            INTEGER NOT NULL,           -- access.Kind
    scopes          INTEGER NOT NULL,           -- access.Scopes
    hash            BLOB    NOT NULL UNIQUE,
    tail            TEXT    NOT NULL,
    rate_per_second INTEGER NOT NULL,           -- 0: the server's default, as for the next
    burst           INTEGER NOT NULL,
    replaces        BLOB,                       -- the key that it was rotated from
    created_at      INTEGER NOT NULL,
    expires_at      INTEGER,
    revoked_at      INTEGER,
    last_used_at    INTEGER
) STRICT, WITHOUT ROWID;

-- Raised by every change of a key but its last use: one row, which is all that a server reads while nothing changes.
CREATE TABLE key_ring (
    one     INTEGER PRIMARY KEY CHECK (one = 1),
    version INTEGER NOT NULL
) STRICT;

INSERT INTO key_ring (one, version) VALUES (1, 1);

-- What administrators changed: written in the transaction of the change, and never changed afterwards.
CREATE TABLE audit_event (
    id         BLOB    PRIMARY KEY,
    at         INTEGER NOT NULL,
    actor_key  BLOB,                            -- NULL: nobody identified
    actor_name TEXT    NOT NULL,
    request_id TEXT    NOT NULL,
    action     TEXT    NOT NULL,
    object     TEXT    NOT NULL,                -- the prefixed id of what was changed
    was        TEXT    NOT NULL,                -- it, as JSON, before and after; '' for nothing
    became     TEXT    NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX audit_event_of_object ON audit_event (object, id);
CREATE INDEX audit_event_of_actor ON audit_event (actor_key, id) WHERE actor_key IS NOT NULL;
CREATE INDEX audit_event_of_action ON audit_event (action, id);

-- The triggers stand against slips; whoever owns the file can drop them. Retention says in its own transaction that
-- it prunes.
CREATE TABLE audit_guard (
    one     INTEGER PRIMARY KEY CHECK (one = 1),
    pruning INTEGER NOT NULL
) STRICT;

INSERT INTO audit_guard (one, pruning) VALUES (1, 0);

-- +goose StatementBegin
CREATE TRIGGER audit_event_is_final BEFORE UPDATE ON audit_event
BEGIN
    SELECT RAISE(ABORT, 'an audit event is never changed');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER audit_event_stays BEFORE DELETE ON audit_event WHEN (SELECT pruning FROM audit_guard) = 0
BEGIN
    SELECT RAISE(ABORT, 'audit events are removed by retention alone');
END;
-- +goose StatementEnd
