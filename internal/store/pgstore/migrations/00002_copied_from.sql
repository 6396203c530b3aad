-- +goose Up

-- What this database was copied from, if it was: one row at most. While finished_at is null, the copy goes on and
-- the database can't be used.
CREATE TABLE copied_from (
    one         smallint    PRIMARY KEY CHECK (one = 1),
    source      bytea       NOT NULL,           -- the digest of all that the source held
    place       bytea       NOT NULL,           -- of the last record that is here; empty before the first
    began_at    timestamptz NOT NULL,
    finished_at timestamptz
);
