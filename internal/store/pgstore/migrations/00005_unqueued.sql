-- +goose NO TRANSACTION
-- +goose Up

-- Finds the transfers that were written by somebody who knows nothing of seals (00004_seals.sql), and holds nothing else.
-- It is built beside writers, and waits for those that go on as long as it must. What an attempt left behind that
-- failed is not valid, and is built anew.
SET lock_timeout = 0;
DROP INDEX CONCURRENTLY IF EXISTS transfer_unqueued;
CREATE INDEX CONCURRENTLY transfer_unqueued ON transfer (customer, currency, seq) WHERE NOT queued;
RESET lock_timeout;
