-- +goose Up

-- Layout for many writers, and for a database that may be distributed. What belongs to a customer is keyed
-- by the customer first, and nothing else is unique there, so that each customer can live on one node:
-- wallet, transfer, redemption, rollback, post and idempotency. Campaigns, vouchers and accounts are few
-- and stay together. There are no sequences and, on the hot path, no foreign keys: the writer makes
-- both sides in one transaction, and `scrip verify` proves them.
--
-- Text that is a key compares by its bytes (COLLATE "C"), as it does in Go. Money is in minor units. Ids are
-- UUIDv7. Times have whole microseconds.

CREATE TABLE campaign (
    id                  uuid        PRIMARY KEY,
    name                text        NOT NULL,
    currency            text        COLLATE "C" NOT NULL,
    effect_kind         smallint    NOT NULL,
    effect_amount       bigint      NOT NULL,
    effect_percent_bp   bigint      NOT NULL,
    effect_max          bigint      NOT NULL,
    starts_at           timestamptz,
    ends_at             timestamptz,
    budget_amount       bigint      NOT NULL,   -- 0: no cap, as for the next two
    budget_count        bigint      NOT NULL,
    budget_per_customer bigint      NOT NULL,
    disabled            boolean     NOT NULL,
    given               bigint      NOT NULL CHECK (given >= 0 AND (budget_amount = 0 OR given <= budget_amount)),
    redeemed            bigint      NOT NULL CHECK (redeemed >= 0 AND (budget_count = 0 OR redeemed <= budget_count)),
    version             bigint      NOT NULL,
    created_at          timestamptz NOT NULL,
    updated_at          timestamptz NOT NULL
) WITH (fillfactor = 50);                       -- room for the counters' next version on the same page

CREATE TABLE voucher (
    id           uuid        PRIMARY KEY,
    campaign_id  uuid        NOT NULL,
    code         text        NOT NULL,
    code_key     text        COLLATE "C" NOT NULL UNIQUE,
    max_uses     bigint      NOT NULL,          -- 0: no limit
    per_customer bigint      NOT NULL CHECK (per_customer >= 1),
    customer     text        COLLATE "C" NOT NULL, -- whom it is published to; '' for everybody
    disabled     boolean     NOT NULL,
    redeemed     bigint      NOT NULL CHECK (redeemed >= 0 AND (max_uses = 0 OR redeemed <= max_uses)),
    ranked       bigint      NOT NULL CHECK (ranked >= redeemed),
    version      bigint      NOT NULL,
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL
) WITH (fillfactor = 50);

CREATE INDEX voucher_of_campaign ON voucher (campaign_id, id);

CREATE TABLE wallet (
    customer text   COLLATE "C" NOT NULL,
    currency text   COLLATE "C" NOT NULL,
    balance  bigint NOT NULL CHECK (balance >= 0),
    seq      bigint NOT NULL CHECK (seq >= 1),  -- of its newest transfer
    PRIMARY KEY (customer, currency)
) WITH (fillfactor = 80);

-- Every account that is neither a wallet nor a campaign's funding account (which is the campaign's row:
-- its balance is -given). A balance is credits less debits, so that all of a currency sum to zero. It may
-- exceed 64 bits.
CREATE TABLE account (
    kind     smallint       NOT NULL,
    currency text           COLLATE "C" NOT NULL,
    balance  numeric(39, 0) NOT NULL,
    PRIMARY KEY (kind, currency)
) WITH (fillfactor = 50);

CREATE TABLE transfer (
    customer    text        COLLATE "C" NOT NULL,
    currency    text        COLLATE "C" NOT NULL,
    seq         bigint      NOT NULL CHECK (seq >= 1),
    id          uuid        NOT NULL,           -- of the redemption, rollback or post that caused it
    kind        smallint    NOT NULL,
    debit_kind  smallint    NOT NULL,           -- ledger.AccountKind; a wallet is the customer's own
    credit_kind smallint    NOT NULL,
    campaign_id uuid,                           -- whose funding account one side is; else null
    amount      bigint      NOT NULL CHECK (amount > 0),
    balance     bigint      NOT NULL CHECK (balance >= 0),
    at          timestamptz NOT NULL,
    PRIMARY KEY (customer, currency, seq),
    CHECK (debit_kind <> credit_kind)
);

CREATE TABLE redemption (
    customer       text        COLLATE "C" NOT NULL,
    voucher_id     uuid        NOT NULL,
    slot           bigint      NOT NULL,        -- which of the customer's uses: 1 and up; -rank once rolled back
    id             uuid        NOT NULL,
    campaign_id    uuid        NOT NULL,
    rank           bigint      NOT NULL,
    max_uses       bigint      NOT NULL,        -- the voucher's limit when this was won
    effect_kind    smallint    NOT NULL,
    amount         bigint      NOT NULL CHECK (amount > 0),
    currency       text        COLLATE "C" NOT NULL,
    order_id       text        NOT NULL,
    order_amount   bigint      NOT NULL,
    balance        bigint      NOT NULL,
    seq            bigint      NOT NULL,
    idempotency    text        NOT NULL,
    at             timestamptz NOT NULL,
    rolled_back_at timestamptz,                 -- null while it stands, as the next
    rollback_id    uuid,
    -- A customer wins a voucher at most per_customer times: no two redemptions hold one slot.
    PRIMARY KEY (customer, voucher_id, slot)
);

CREATE INDEX redemption_by_id ON redemption (id);
CREATE INDEX redemption_of_voucher ON redemption (voucher_id, id);

-- What a campaign's list costs the hot path: 8% more log for each redemption, no time that could be told from
-- noise (it grows at its end). Without it the list of a campaign of many codes reads all of the campaign.
CREATE INDEX redemption_of_campaign ON redemption (campaign_id, id);

CREATE TABLE rollback (
    customer      text        COLLATE "C" NOT NULL,
    redemption_id uuid        NOT NULL,
    id            uuid        NOT NULL,
    seq           bigint      NOT NULL,
    balance       bigint      NOT NULL,
    reason        text        NOT NULL,
    idempotency   text        NOT NULL,
    at            timestamptz NOT NULL,
    PRIMARY KEY (customer, redemption_id)
);

CREATE INDEX rollback_by_id ON rollback (id);

CREATE TABLE post (
    customer    text     COLLATE "C" NOT NULL,
    id          uuid     NOT NULL,
    kind        smallint NOT NULL,
    currency    text     COLLATE "C" NOT NULL,
    seq         bigint   NOT NULL,
    to_customer text     COLLATE "C" NOT NULL,  -- the receiver and the seq there, or '' and 0
    to_seq      bigint   NOT NULL,
    PRIMARY KEY (customer, id)
);

-- A receiver's ledger entry is found by its id, as a cursor of their transactions.
CREATE INDEX post_received ON post (to_customer, id) WHERE to_customer <> '';

-- An Idempotency-Key is unique per customer, for ever; administrators are customer ''.
CREATE TABLE idempotency (
    customer    text     COLLATE "C" NOT NULL,
    key         text     COLLATE "C" NOT NULL,
    kind        smallint NOT NULL,
    id          uuid     NOT NULL,
    fingerprint bytea    NOT NULL,
    snapshot    text     NOT NULL,              -- what an administrator's request made, as it was then
    PRIMARY KEY (customer, key)
);
