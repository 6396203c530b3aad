package pgstore

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Sever ends the store as the end of its process would: its idle connections are closed without a word to
// the server.
func (s *Store) Sever(ctx context.Context) error {
	for _, p := range []*pgxpool.Pool{s.writers, s.readers} {
		for _, c := range p.AcquireAllIdle(ctx) {
			if err := c.Hijack().PgConn().Conn().Close(); err != nil {
				return err
			}
		}
	}
	return nil
}

// Reconnect has what is asked from now on go over new connections.
func (s *Store) Reconnect() {
	s.writers.Reset()
	s.readers.Reset()
}

// EndStalled is what a batch does that waited for a lock in vain.
func (s *Store) EndStalled(ctx context.Context) { s.endStalled(ctx) }

// Lanes is how many batches went each way.
func (s *Store) Lanes() (express, ordinary int64) {
	return s.lanes.express.Load(), s.lanes.ordinary.Load()
}

// MutateExpress replaces a text in the express lane's statements, and returns in how many places.
func (s *Store) MutateExpress(from, to string) (n int) {
	for _, query := range []*string{&s.wide.express, &s.wide.expressKeyed} {
		n += strings.Count(*query, from)
		*query = strings.ReplaceAll(*query, from, to)
	}
	return n
}

// Plans are the plans of Apply's statements, by their text, as a connection of the writers makes them.
func (s *Store) Plans(ctx context.Context) (map[string]string, error) {
	plans := map[string]string{}
	for _, query := range []string{
		lockCampaignsQuery, lockVouchersQuery, usesQuery, usesOfCampaignQuery, walletsQuery, lockWalletsQuery, keysQuery,
		redemptionsQuery, redemptionsOfRollbacksQuery, rollbacksQuery, postsQuery,
		setWalletsQuery, undoRedemptionsQuery, setVouchersQuery, setCampaignsQuery,
		expressQuery(false), expressQuery(true),
	} {
		err := pgx.BeginFunc(ctx, s.writers, func(tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, "PREPARE statement AS "+query); err != nil {
				return err
			}
			var parameters int
			err := tx.QueryRow(ctx, "SELECT cardinality(parameter_types) FROM pg_prepared_statements WHERE name = 'statement'").Scan(&parameters)
			if err != nil {
				return err
			}
			nulls := strings.TrimSuffix(strings.Repeat("NULL, ", parameters), ", ")
			rows, err := tx.Query(ctx, "EXPLAIN EXECUTE statement ("+nulls+")", pgx.QueryExecModeSimpleProtocol)
			if err != nil {
				return err
			}
			lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
			if err != nil {
				return err
			}
			plans[query] = strings.Join(lines, "\n")
			_, err = tx.Exec(ctx, "DEALLOCATE statement")
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("%s: %w", query, err)
		}
	}
	return plans, nil
}
