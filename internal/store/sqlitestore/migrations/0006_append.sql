-- +goose Up

-- What a customer who has a wallet already adds to goes to the end of tables, too; only the index that finds a wallet's
-- ledger entries is entered wherever the customer stands. Until now it was three trees, and one of them held the
-- entries themselves, where a page is full after seventy of them and splits.
--
-- A wallet is its newest ledger entry, which says what it leaves and its number. The table that said both again is gone,
-- unless the two contradict each other: that is for somebody to look at, and the file stays as it is.
CREATE TABLE wallet_is_its_newest_entry (
    one         INTEGER PRIMARY KEY,
    run_verify_with_the_earlier_version INTEGER NOT NULL CHECK (run_verify_with_the_earlier_version = 0)
) STRICT;

INSERT INTO wallet_is_its_newest_entry
SELECT 1, EXISTS (SELECT 1 FROM wallet w LEFT JOIN transfer t ON t.customer_no = w.customer_no AND t.currency = w.currency AND t.seq = w.seq
        WHERE t.balance IS NOT w.balance)
    OR EXISTS (SELECT 1 FROM transfer t LEFT JOIN wallet w ON w.customer_no = t.customer_no AND w.currency = t.currency
        WHERE t.seq > coalesce(w.seq, 0));

DROP TABLE wallet_is_its_newest_entry;
DROP TABLE wallet;

-- While a copy into the file goes on: what the wallets will be when their entries have come.
CREATE TABLE copied_wallet (
    customer_no INTEGER NOT NULL,
    currency    TEXT    NOT NULL,
    balance     INTEGER NOT NULL,
    seq         INTEGER NOT NULL,
    PRIMARY KEY (customer_no, currency)
) STRICT, WITHOUT ROWID;

CREATE TABLE entry (
    no          INTEGER PRIMARY KEY,         -- in the order of commits, but for those from before this step
    customer_no INTEGER NOT NULL,
    currency    TEXT    NOT NULL,
    seq         INTEGER NOT NULL,
    id          BLOB    NOT NULL,            -- of the redemption, rollback or post that caused it
    kind        INTEGER NOT NULL,
    debit       INTEGER NOT NULL,            -- 0: the customer's own wallet; an account's no; or -no of a campaign, for its funding
    credit      INTEGER NOT NULL,
    amount      INTEGER NOT NULL CHECK (amount > 0),
    balance     INTEGER NOT NULL CHECK (balance >= 0),
    at          INTEGER NOT NULL,
    queued      INTEGER,
    CHECK (debit <> credit)
) STRICT;

INSERT INTO entry (customer_no, currency, seq, id, kind, debit, credit, amount, balance, at, queued)
SELECT customer_no, currency, seq, id, kind, debit, credit, amount, balance, at, queued FROM transfer ORDER BY customer_no, currency, seq;

DROP TABLE transfer;
ALTER TABLE entry RENAME TO transfer;

-- A wallet's entries are numbered, and none has another's number.
CREATE UNIQUE INDEX transfer_of_wallet ON transfer (customer_no, currency, seq);
CREATE INDEX transfer_unqueued ON transfer (customer_no, currency, seq) WHERE queued = 0;

-- The claims on a voucher stand together, so that a crowd on one code is in few pages, whoever they are.
DROP INDEX redemption_claim;
CREATE UNIQUE INDEX redemption_claim ON redemption (voucher_no, customer_no, slot);
