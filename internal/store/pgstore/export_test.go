package pgstore

import (
	"context"

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
