-- +goose Up

-- The sealer chains transfers into seals (internal/store/seal.go). It finds those that are not sealed yet in three places:
-- unsealed names what servers of this version wrote, in the transaction that wrote it; where queued is false, somebody
-- wrote who knows nothing of seals, an older server or a person with psql; where it is null, it was written before
-- there were seals.

-- A column that gets its default only after it was added costs no rewriting of the rows that are there.
ALTER TABLE transfer ADD COLUMN queued boolean;
ALTER TABLE transfer ALTER COLUMN queued SET DEFAULT false;

-- The transfers that servers of this version wrote and that wait to be sealed: a row for each batch. lost are those
-- that were gone before they could be sealed.
CREATE TABLE unsealed (
    at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    id   uuid        NOT NULL DEFAULT gen_random_uuid(),
    n    integer     NOT NULL,
    lost boolean     NOT NULL DEFAULT false,
    refs bytea       NOT NULL,                      -- which: store.AppendRefs
    PRIMARY KEY (at, id)
);

ALTER TABLE unsealed ALTER COLUMN refs SET STORAGE EXTERNAL; -- it is compact already

CREATE TABLE seal (
    number       bigint      PRIMARY KEY CHECK (number >= 1),
    previous     bytea       NOT NULL,
    count        bigint      NOT NULL CHECK (count >= 1),
    total        bigint      NOT NULL CHECK (total >= count),
    root         bytea       NOT NULL,
    members_hash bytea       NOT NULL,
    at           timestamptz NOT NULL,
    hash         bytea       NOT NULL,
    members      bytea       NOT NULL               -- which transfers: store.AppendMembers
);

-- How far the sealing of what was written before there were seals is. One row; without it, nothing is sealed.
CREATE TABLE sealing (
    one        smallint PRIMARY KEY CHECK (one = 1),
    backfilled boolean  NOT NULL,                   -- then the others mean nothing
    customer   text     COLLATE "C" NOT NULL,       -- the place of the last such transfer that is sealed
    currency   text     COLLATE "C" NOT NULL,
    seq        bigint   NOT NULL
);

INSERT INTO sealing (one, backfilled, customer, currency, seq)
SELECT 1, NOT EXISTS (SELECT FROM transfer), '', '', 0;
