-- +goose Up

-- What this database was copied from, if it was: one row at most. While finished_at is null, the copy goes on and
-- the database can't be used.
CREATE TABLE copied_from (
    one         INTEGER PRIMARY KEY CHECK (one = 1),
    source      BLOB    NOT NULL,            -- the digest of all that the source held
    place       BLOB    NOT NULL,            -- of the last record that is here; empty before the first
    began_at    INTEGER NOT NULL,
    finished_at INTEGER
) STRICT;
