-- +goose Up

-- Layout for one writer and a file that grows for years. A customer, a voucher, a campaign has a small
-- number of its own (no), given out in order. What belongs to a customer is keyed by that number, so that a
-- crowd of new customers appends to every tree but one (customer, found by what the caller calls them), and
-- a file of ten million redemptions takes the next as fast as an empty one.
--
-- Times are microseconds of Unix time. Ids are the 16 bytes of a UUIDv7. Money is in minor units.

CREATE TABLE campaign (
    no                  INTEGER PRIMARY KEY,
    id                  BLOB    NOT NULL UNIQUE,
    name                TEXT    NOT NULL,
    currency            TEXT    NOT NULL,
    effect_kind         INTEGER NOT NULL,
    effect_amount       INTEGER NOT NULL,
    effect_percent_bp   INTEGER NOT NULL,
    effect_max          INTEGER NOT NULL,
    starts_at           INTEGER,
    ends_at             INTEGER,
    budget_amount       INTEGER NOT NULL,   -- 0: no cap, as for the next two
    budget_count        INTEGER NOT NULL,
    budget_per_customer INTEGER NOT NULL,
    disabled            INTEGER NOT NULL,
    given               INTEGER NOT NULL CHECK (given >= 0 AND (budget_amount = 0 OR given <= budget_amount)),
    redeemed            INTEGER NOT NULL CHECK (redeemed >= 0 AND (budget_count = 0 OR redeemed <= budget_count)),
    version             INTEGER NOT NULL,
    created_at          INTEGER NOT NULL,
    updated_at          INTEGER NOT NULL
) STRICT;

CREATE TABLE voucher (
    no           INTEGER PRIMARY KEY,
    id           BLOB    NOT NULL UNIQUE,
    campaign_no  INTEGER NOT NULL REFERENCES campaign,
    code         TEXT    NOT NULL,
    code_key     TEXT    NOT NULL UNIQUE,
    max_uses     INTEGER NOT NULL,           -- 0: no limit
    per_customer INTEGER NOT NULL CHECK (per_customer >= 1),
    customer     TEXT    NOT NULL,           -- whom it is published to; '' for everybody
    disabled     INTEGER NOT NULL,
    redeemed     INTEGER NOT NULL CHECK (redeemed >= 0 AND (max_uses = 0 OR redeemed <= max_uses)),
    ranked       INTEGER NOT NULL CHECK (ranked >= redeemed),
    version      INTEGER NOT NULL,
    created_at   INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL
) STRICT;

CREATE INDEX voucher_of_campaign ON voucher (campaign_no, id);

CREATE TABLE customer (
    ref TEXT    PRIMARY KEY,
    no  INTEGER NOT NULL                     -- 1, 2, 3 … in order of appearance
) STRICT, WITHOUT ROWID;

CREATE TABLE wallet (
    customer_no INTEGER NOT NULL,
    currency    TEXT    NOT NULL,
    balance     INTEGER NOT NULL CHECK (balance >= 0),
    seq         INTEGER NOT NULL,            -- of its newest transfer
    PRIMARY KEY (customer_no, currency)
) STRICT, WITHOUT ROWID;

-- Every account that is neither a wallet nor a campaign's funding account (which is the campaign's row:
-- its balance is -given). A balance is credits less debits, so that all of a currency sum to zero. It may
-- exceed 64 bits: balance_hi * 2^64 + balance_lo, the latter unsigned.
CREATE TABLE account (
    no         INTEGER PRIMARY KEY,
    kind       INTEGER NOT NULL,
    currency   TEXT    NOT NULL,
    balance_hi INTEGER NOT NULL,
    balance_lo INTEGER NOT NULL,
    UNIQUE (kind, currency)
) STRICT;

CREATE TABLE transfer (
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
    PRIMARY KEY (customer_no, currency, seq),
    CHECK (debit <> credit)
) STRICT, WITHOUT ROWID;

CREATE TABLE redemption (
    id             BLOB    PRIMARY KEY,
    customer_no    INTEGER NOT NULL,
    customer       TEXT    NOT NULL,
    voucher_no     INTEGER NOT NULL,
    slot           INTEGER NOT NULL,         -- which of the customer's uses: 1 to per_customer; -rank once rolled back
    rank           INTEGER NOT NULL,
    max_uses       INTEGER NOT NULL,         -- the voucher's limit when this was won
    effect_kind    INTEGER NOT NULL,
    amount         INTEGER NOT NULL CHECK (amount > 0),
    currency       TEXT    NOT NULL,
    order_id       TEXT    NOT NULL,
    order_amount   INTEGER NOT NULL,
    balance        INTEGER NOT NULL,
    seq            INTEGER NOT NULL,
    idempotency    TEXT    NOT NULL,
    at             INTEGER NOT NULL,
    rolled_back_at INTEGER NOT NULL,         -- 0 while it stands
    rollback_id    BLOB
) STRICT, WITHOUT ROWID;

-- A customer wins a voucher at most per_customer times: no two redemptions hold one slot.
CREATE UNIQUE INDEX redemption_claim ON redemption (customer_no, voucher_no, slot);
CREATE INDEX redemption_of_voucher ON redemption (voucher_no, id);

CREATE TABLE rollback (
    id            BLOB    PRIMARY KEY,
    redemption_id BLOB    NOT NULL UNIQUE,
    seq           INTEGER NOT NULL,
    balance       INTEGER NOT NULL,
    reason        TEXT    NOT NULL,
    idempotency   TEXT    NOT NULL,
    at            INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE post (
    id          BLOB    PRIMARY KEY,
    kind        INTEGER NOT NULL,
    customer_no INTEGER NOT NULL,
    currency    TEXT    NOT NULL,
    seq         INTEGER NOT NULL,
    to_no       INTEGER NOT NULL,            -- the receiver's customer no and seq, or 0
    to_seq      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- An Idempotency-Key is unique per customer, for ever; administrators are customer 0.
CREATE TABLE idempotency (
    customer_no INTEGER NOT NULL,
    key         TEXT    NOT NULL,
    kind        INTEGER NOT NULL,
    id          BLOB    NOT NULL,
    fingerprint BLOB    NOT NULL,
    snapshot    TEXT    NOT NULL,            -- what an administrator's request made, as it was then
    PRIMARY KEY (customer_no, key)
) STRICT, WITHOUT ROWID;
