package pgstore

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"scrip/internal/store"
)

// A commit is answered after the synchronous standbys have it. But what is answered from rows that were there already (a
// replay, the receipt of an earlier winner) is not safe because it is seen: a primary that was restarted shows what was
// waiting for a standby when it went down, and so does one whose administrator cancelled the wait. Told as a success and
// followed by a failover, it would be gone.
//
// So such an answer waits for the standbys too, by a commit of its own: the log reaches them in order, and what is read
// precedes what is written after it. Where a batch writes anyway, that is its commit. The express lane always commits, and
// its locks alone are written to the log. The rest writes a mark.

// markQuery makes a transaction that changed nothing one whose commit waits: that needs a transaction id and something in the
// log. No table knows of it, and nobody decodes it.
const markQuery = "SELECT pg_logical_emit_message(true, 'scrip', '')"

// standbysKnown tells, in a query, whether commits wait for standbys. Without any, what is seen is as durable as it gets,
// for a commit is synced before it is seen.
const standbysKnown = "coalesce(current_setting('synchronous_standby_names', true), '') <> ''"

// confirm ends a transaction that has nothing to record after the standbys have what it read.
func (s *Store) confirm(ctx context.Context, conn *pgxpool.Conn) error {
	b := &pgx.Batch{}
	b.Queue(markQuery)
	b.Queue("COMMIT")
	return s.commit(ctx, conn, b)
}

// tellsOfEffects reports whether an outcome shows somebody an effect, one of a batch that made none, so an earlier one.
func tellsOfEffects(outcomes []store.Outcome) bool {
	for i := range outcomes {
		if o := &outcomes[i]; o.Redemption != nil || o.Rollback != nil || o.Transfer != nil {
			return true
		}
	}
	return false
}
