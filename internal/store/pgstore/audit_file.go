package pgstore

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"scrip/internal/store"
)

// schema asks PostgreSQL what it knows of its own accord: whether the indexes and constraints that exactness rests
// on are there and in force, and whether it has met a damaged page of this database.
func (a *auditor) schema(ctx context.Context) error {
	var name, state string
	err := a.each(ctx, `SELECT needed.name, CASE WHEN i.indexrelid IS NULL THEN 'it is missing' ELSE 'it is not valid; rebuild it with REINDEX' END
		FROM unnest(ARRAY['campaign_pkey', 'voucher_pkey', 'voucher_code_key_key', 'wallet_pkey', 'account_pkey', 'transfer_pkey',
			'redemption_pkey', 'rollback_pkey', 'post_pkey', 'idempotency_pkey',
			'redemption_by_id', 'redemption_of_voucher', 'redemption_of_campaign', 'voucher_of_campaign', 'rollback_by_id', 'post_received', 'seal_pkey', 'unsealed_pkey', 'transfer_unqueued'
		]) AS needed (name) LEFT JOIN pg_index i ON i.indexrelid = to_regclass(needed.name)
		WHERE i.indisvalid IS NOT TRUE OR i.indisready IS NOT TRUE`,
		[]any{&name, &state}, func() { a.report(store.CheckFile, name, "%s", state) })
	if err != nil {
		return err
	}
	err = a.each(ctx, `SELECT conrelid::regclass || '.' || conname FROM pg_constraint
		WHERE NOT convalidated AND connamespace = current_schema()::regnamespace`,
		[]any{&name}, func() {
			a.report(store.CheckFile, name, "the constraint was never validated; do so with ALTER TABLE … VALIDATE CONSTRAINT")
		})
	if err != nil {
		return err
	}
	var damaged int64
	return a.each(ctx, "SELECT checksum_failures FROM pg_stat_database WHERE datname = current_database() AND checksum_failures > 0",
		[]any{&damaged}, func() {
			a.report(store.CheckFile, "database", "PostgreSQL has met %d pages whose checksum is wrong", damaged)
		})
}

// indexes looks into every index of the schema where the extension amcheck is there and this user may use it.
// It runs outside the snapshot: a broken index ends the statement that finds it.
func (a *auditor) indexes(ctx context.Context, conn *pgxpool.Conn) error {
	rows, err := conn.Query(ctx, `SELECT c.oid::regclass::text, p.oid::regproc::text FROM pg_class c
		JOIN pg_am am ON am.oid = c.relam AND am.amname = 'btree'
		JOIN pg_extension e ON e.extname = 'amcheck'
		JOIN pg_proc p ON p.pronamespace = e.extnamespace AND p.proname = 'bt_index_check' AND p.pronargs = 2
		WHERE c.relkind = 'i' AND c.relnamespace = current_schema()::regnamespace AND has_function_privilege(p.oid, 'EXECUTE')
		ORDER BY 1`)
	if err != nil {
		return err
	}
	type index struct{ Name, Check string }
	found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[index])
	if err != nil {
		return err
	}
	for _, i := range found {
		err := pgx.BeginTxFunc(ctx, conn, pgx.TxOptions{AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, "SET LOCAL statement_timeout = 0"); err != nil {
				return err
			}
			_, err := tx.Exec(ctx, "SELECT "+i.Check+"($1::text::regclass, true)", i.Name)
			return err
		})
		if damage, ok := errors.AsType[*pgconn.PgError](err); ok && (damage.Code == codeDataCorrupted || damage.Code == codeIndexCorrupted) {
			a.report(store.CheckFile, i.Name, "%s; rebuild it with REINDEX", damage.Message)
			continue
		}
		if err != nil {
			return fmt.Errorf("check index %s: %w", i.Name, err)
		}
	}
	return nil
}

// PostgreSQL's codes for what is broken.
const (
	codeDataCorrupted  = "XX001"
	codeIndexCorrupted = "XX002"
)
