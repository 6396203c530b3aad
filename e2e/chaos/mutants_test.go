package chaos_test

import (
	"os"
	"slices"
	"testing"
	"time"
)

// mutant is a program with one promise broken, and the site and the faults under which that shows.
type mutant struct {
	name   string
	world  func(t *testing.T, program string) *world
	edits  []edit
	faults []string // of the table; none for all that the site has
	always bool     // also where only the cheapest are asked for
}

func postgresWithRedis(t *testing.T, program string) *world {
	t.Helper()
	return newPostgres(t, program, true)
}

func postgresAlone(t *testing.T, program string) *world {
	t.Helper()
	return newPostgres(t, program, false)
}

// mutants are the test of the test: each must be found, by the histories and the lists alone (verify is left
// out), within the time and the seeds below. An edit whose text has changed in the program fails here.
func mutants() []mutant {
	const (
		judge         = "internal/voucher/fact.go"
		sqliteSchema  = "internal/store/sqlitestore/migrations/0001_first_light.sql"
		pgSchema      = "internal/store/pgstore/migrations/00001_first.sql"
		sqliteWriter  = "internal/store/sqlitestore/writer.go"
		pgWrite       = "internal/store/pgstore/write.go"
		pgJudge       = "internal/store/pgstore/judge.go"
		pgLoad        = "internal/store/pgstore/load.go"
		pgExpress     = "internal/store/pgstore/express.go"
		pgQuery       = "internal/store/pgstore/express_query.go"
		flush         = "internal/redemption/flush.go"
		memgate       = "internal/gate/memgate/memgate.go"
		limitCheck    = " AND (max_uses = 0 OR redeemed <= max_uses)"
		limitRule     = "case v.Limit != 0 && v.Redeemed >= v.Limit:"
		limitRuleGone = "case v.Limit < 0:"
	)
	fates := []string{"a connection cut at COMMIT", "PostgreSQL killed", "a server to PostgreSQL: resets"}
	return []mutant{
		{
			name: "the counter's guard removed, SQLite", world: newSQLite, always: true,
			edits: []edit{{judge, limitRule, limitRuleGone}, {sqliteSchema, limitCheck, ""}},
		},
		{
			name: "the counter's guard removed, PostgreSQL", world: postgresWithRedis,
			edits: []edit{{judge, limitRule, limitRuleGone}, {pgSchema, limitCheck, ""}},
		},
		{
			name: "the counter's lock removed, PostgreSQL", world: postgresWithRedis,
			edits: []edit{
				{pgLoad, "ORDER BY c.id FOR NO KEY UPDATE", "ORDER BY c.id"},
				{pgLoad, "ORDER BY v.id FOR NO KEY UPDATE", "ORDER BY v.id"},
				{pgSchema, limitCheck, ""},
				{pgQuery, "FROM campaign WHERE id = $1 FOR NO KEY UPDATE", "FROM campaign WHERE id = $1"},
				{pgQuery, "v.id = $2 FOR NO KEY UPDATE OF v", "v.id = $2"},
			},
		},
		{ // the commit is left to the next transaction
			name: "the reply sent before the commit, SQLite", world: newSQLite, always: true,
			edits: []edit{
				{sqliteWriter, "if err := w.begin.exec(); err != nil {", "if !w.conn.AutocommitEnabled() {\n\t\tif err := w.commit.exec(); err != nil {\n\t\t\treturn err\n\t\t}\n\t}\n\tif err := w.begin.exec(); err != nil {"},
				{sqliteWriter, "if err := w.commit.exec(); err != nil {\n\t\treturn abandon(", "if err := error(nil); err != nil {\n\t\treturn abandon("},
			},
		},
		{ // the commit is sent a moment after the answer
			name: "the reply sent before the commit, PostgreSQL", world: postgresWithRedis,
			edits: []edit{
				{pgExpress, "if len(commands) == 0 ||", "if true || len(commands) == 0 ||"}, // the ordinary way alone
				{pgWrite, "\tb.Queue(\"COMMIT\")\n", "\tb.Queue(\"SELECT 1\")\n"},
				{pgWrite, "case tag.String() != \"COMMIT\":\n\t\treturn errors.Join(errRolledBack, closed)\n", "case tag.String() != \"SELECT 1\":\n\t\treturn errors.Join(errRolledBack, closed)\n"},
				{pgWrite, "\tdefault:\n\t\treturn nil\n", "\tdefault:\n\t\tearly := conn.Hijack()\n\t\tgo func() {\n\t\t\tctx := context.Background()\n\t\t\t_, _ = early.Exec(ctx, \"SELECT pg_sleep(0.02)\")\n\t\t\t_, _ = early.Exec(ctx, \"COMMIT\")\n\t\t\t_ = early.Close(ctx)\n\t\t}()\n\t\treturn nil\n"},
			},
		},
		{
			name: "an express batch by terms that changed", world: postgresWithRedis,
			edits: []edit{{pgQuery, "c.version = $2", "c.version > 0 * $2"}, {pgQuery, "v.version = $4", "v.version > 0 * $4"}},
		},
		{
			name: "Again ignored", world: postgresWithRedis, faults: fates,
			edits: []edit{{pgJudge, "if c.Again {\n\t\tif r, done := w.redemptions[c.ID]; done {", "if false {\n\t\tif r, done := w.redemptions[c.ID]; done {"}},
		},
		{
			name: "a retry under new ids", world: postgresWithRedis, faults: fates,
			edits: []edit{{flush, "case *store.Redeem:\n\t\t\tc.Again = true", "case *store.Redeem:\n\t\t\tc.ID[15]++\n\t\t\tc.Again = true"}},
		},
		{
			name: "a stale sold out that never expires", world: postgresAlone,
			edits: []edit{
				{memgate, "if now >= s.expires || !g.floors.above(s) {", "if !g.floors.above(s) {"},
				{memgate, "if now > s.renewAt {", "if now < 0 {"},
			},
		},
	}
}

// A mutant is looked for with these seeds, each for so long at most.
const mutantLength = 12 * time.Second

func mutantSeeds() []uint64 { return []uint64{1, 2, 3, 4, 5, 6} }

// TestMutants shows that the harness can fail. SCRIP_CHAOS_MUTANTS=all has it look for every mutant, not for the
// cheapest only.
func TestMutants(t *testing.T) {
	for _, m := range mutants() {
		t.Run(m.name, func(t *testing.T) {
			if !m.always && os.Getenv("SCRIP_CHAOS_MUTANTS") != "all" {
				t.Skip("only with SCRIP_CHAOS_MUTANTS=all (make chaos-mutants)")
			}
			path := program(t, m.name, m.edits...)
			var last error
			for _, seed := range mutantSeeds() {
				found, err := m.find(t, path, seed)
				if len(found) > 0 {
					t.Logf("found with seed %d: %d violations, the first: %s", seed, len(found), found[0])
					return
				}
				last = err
			}
			t.Errorf("the mutant lives; the last run ended with: %v", last)
		})
	}
}

// find breaks a site of the mutant's for a while and returns what the harness finds.
func (m mutant) find(t *testing.T, path string, seed uint64) ([]string, error) {
	t.Helper()
	r := newRun(m.world(t, path), seed)
	r.mutant = true
	if len(m.faults) > 0 {
		r.n.faults = slices.DeleteFunc(r.n.faults, func(f fault) bool { return !slices.Contains(m.faults, f.name) })
	}
	found, err := r.run(t.Context(), mutantLength)
	t.Log(r)
	return found, err
}
