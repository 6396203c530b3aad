-- +goose Up

-- The sealer chains transfers into seals (internal/store/seal.go). It finds those that are not sealed yet in three places:
-- unsealed names them, in the transaction that wrote them, and queued is 1; queued is 0 in what a copy brought that was
-- not sealed where it came from; queued is null in what was written before there were seals.
ALTER TABLE transfer ADD COLUMN queued INTEGER;

CREATE INDEX transfer_unqueued ON transfer (customer_no, currency, seq) WHERE queued = 0;

-- The transfers that wait to be sealed: a row for each batch. lost are those that were gone before they could be
-- sealed.
CREATE TABLE unsealed (
    no   INTEGER PRIMARY KEY,
    at   INTEGER NOT NULL,
    n    INTEGER NOT NULL,
    lost INTEGER NOT NULL,
    refs BLOB    NOT NULL                    -- which: store.AppendRefs
) STRICT;

CREATE TABLE seal (
    number       INTEGER PRIMARY KEY CHECK (number >= 1),
    previous     BLOB    NOT NULL,
    count        INTEGER NOT NULL CHECK (count >= 1),
    total        INTEGER NOT NULL CHECK (total >= count),
    root         BLOB    NOT NULL,
    members_hash BLOB    NOT NULL,
    at           INTEGER NOT NULL,
    hash         BLOB    NOT NULL,
    members      BLOB    NOT NULL            -- which transfers: store.AppendMembers
) STRICT;

-- How far the sealing of what was written before there were seals is. One row.
CREATE TABLE sealing (
    one        INTEGER PRIMARY KEY CHECK (one = 1),
    backfilled INTEGER NOT NULL,             -- then the others mean nothing
    customer   TEXT    NOT NULL,             -- the place of the last such transfer that is sealed
    currency   TEXT    NOT NULL,
    seq        INTEGER NOT NULL
) STRICT;

INSERT INTO sealing (one, backfilled, customer, currency, seq) SELECT 1, NOT EXISTS (SELECT 1 FROM transfer), '', '', 0;
