-- +goose Up

-- It only adds, so that servers of the version before go on beside it. All of it is few rows, and stays together with
-- campaigns and vouchers.

-- API keys. A secret is never here, only its SHA-256.
CREATE TABLE api_key (
    id              uuid        PRIMARY KEY,
    name            text        NOT NULL,
    kind            smallint    NOT NULL,       -- access.Kind
    scopes          integer     NOT NULL,       -- access.Scopes
    hash            bytea       NOT NULL UNIQUE,
    tail            text        NOT NULL,
    rate_per_second bigint      NOT NULL,       -- 0: the server's default, as for the next
    burst           bigint      NOT NULL,
    replaces        uuid,                       -- the key that it was rotated from
    created_at      timestamptz NOT NULL,
    expires_at      timestamptz,
    revoked_at      timestamptz,
    last_used_at    timestamptz
) WITH (fillfactor = 50);                       -- room for the next last_used_at on the same page

-- Raised by every change of a key but its last use: one row, which is all that a server reads while nothing changes.
-- Whoever changes keys locks it first.
CREATE TABLE key_ring (
    one     smallint PRIMARY KEY CHECK (one = 1),
    version bigint   NOT NULL
) WITH (fillfactor = 50);

INSERT INTO key_ring (one, version) VALUES (1, 1);

-- What administrators changed: written in the transaction of the change, and never changed afterwards.
CREATE TABLE audit_event (
    id         uuid        PRIMARY KEY,
    at         timestamptz NOT NULL,
    actor_key  uuid,                            -- null: nobody identified
    actor_name text        NOT NULL,
    request_id text        NOT NULL,
    action     text        COLLATE "C" NOT NULL,
    object     text        COLLATE "C" NOT NULL, -- the prefixed id of what was changed
    was        text        NOT NULL,            -- it, as JSON, before and after; '' for nothing
    became     text        NOT NULL
);

CREATE INDEX audit_event_of_object ON audit_event (object, id);
CREATE INDEX audit_event_of_actor ON audit_event (actor_key, id) WHERE actor_key IS NOT NULL;
CREATE INDEX audit_event_of_action ON audit_event (action, id);

-- The trigger stands against slips; whoever owns the database can drop it. Retention says in its own transaction that
-- it prunes.
-- +goose StatementBegin
CREATE FUNCTION audit_event_is_final() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND current_setting('scrip.prune', true) = 'on' THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'an audit event is never changed, and removed by retention alone';
END;
$$;
-- +goose StatementEnd

CREATE TRIGGER audit_event_is_final BEFORE UPDATE OR DELETE ON audit_event
    FOR EACH ROW EXECUTE FUNCTION audit_event_is_final();

CREATE TRIGGER audit_event_stays BEFORE TRUNCATE ON audit_event
    FOR EACH STATEMENT EXECUTE FUNCTION audit_event_is_final();
