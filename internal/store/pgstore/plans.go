package pgstore

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// planByKeys makes the server plan each statement once for a connection, through the indexes. Every one but the
// audit's, which asks for its own way, finds its rows by key, so that is the right plan for a table of any
// size; a plan that is made for a thousand arguments, or with old statistics, may read all of a table.
func planByKeys(params map[string]string) {
	params["plan_cache_mode"] = "force_generic_plan"
	for _, way := range []string{"enable_seqscan", "enable_hashjoin", "enable_mergejoin", "jit"} {
		params[way] = "off"
	}
}

// planMax bounds the age of a plan. The planner may go through all of an index whose table is tiny (a first
// voucher, say), and would go on to while an import makes it large, until the server next analyses it.
const planMax = time.Second

// plansKey is where a connection keeps when its plans were last thrown away.
const plansKey = "scrip plans"

// freshPlans is asked for each connection that leaves its pool, and has it plan anew once in planMax: one more
// round trip, and some tenths of a millisecond for each statement that is then used. clock tells the age of
// plans, and nothing else. A connection that can't do it is dead, and is replaced.
func freshPlans(clock func() time.Time) func(context.Context, *pgx.Conn) (bool, error) {
	return func(ctx context.Context, conn *pgx.Conn) (bool, error) {
		data, now := conn.PgConn().CustomData(), clock()
		if last, ok := data[plansKey].(time.Time); ok && now.Sub(last) < planMax {
			return true, nil
		}
		ctx, cancel := context.WithTimeout(ctx, pingMax)
		defer cancel()
		if _, err := conn.Exec(ctx, "DISCARD PLANS"); err != nil {
			return false, nil
		}
		data[plansKey] = now
		return true, nil
	}
}
