-- +goose Up

-- The customers who came last, a row for each batch. The table customer is entered at random, and a batch of strangers
-- would change a page of it for each of them; so they wait here, and in memory, until there are many, and join it in
-- the order of their names. A customer is in one of the two tables, and in both while their generation joins.
CREATE TABLE newcomer (
    first INTEGER PRIMARY KEY,               -- the number of the first of them; the others' follow
    names BLOB NOT NULL                      -- appendNames
) STRICT;
