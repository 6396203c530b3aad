package pgstore_test

import (
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"scrip/internal/id"
	"scrip/internal/store"
	"scrip/internal/store/pgstore"
	"scrip/internal/testenv"
)

// BenchmarkUnsealed measures what it costs a batch of redemptions by ever new customers to be remembered as unsealed, on
// a server that syncs its log: two stores take turns, in a schema each, one of which keeps nothing that is remembered. "cost-%" compares the medians.
func BenchmarkUnsealed(b *testing.B) {
	server := testenv.NewPostgres(b, testenv.PostgresOptions{Durable: true, Conf: []string{"max_wal_size = 4GB", "autovacuum = off"}})
	for _, size := range []int{1, 64, 1024} {
		b.Run(strconv.Itoa(size), func(b *testing.B) {
			url, admin := server.URL("postgres"), connect(b, server.URL("postgres"))
			opened := func(schema string) opened {
				schema = fmt.Sprint(schema, time.Now().UnixNano())
				execute(b, admin, "CREATE SCHEMA "+schema)
				s := openWith(b, pgstore.Config{URL: url + "&search_path=" + schema, MaxConns: 8})
				create(b, s, "SEA1", 0)
				if schema[0] == 'n' {
					execute(b, admin, "CREATE RULE nothing AS ON INSERT TO "+schema+".unsealed DO INSTEAD NOTHING")
				}
				return s
			}
			with, without := opened("with"), opened("none")
			n := 0
			apply := func(s store.Store) time.Duration {
				batch := make([]store.Command, size)
				for i := range batch {
					batch[i] = &store.Redeem{ID: id.New(time.Now()), Code: "SEA1", Customer: fmt.Sprintf("98912%07d", (n+i)*7919%1_000_003)}
				}
				start := time.Now()
				outcomes, err := s.Apply(b.Context(), batch)
				if err != nil || outcomes[size-1].Refusal != nil {
					b.Fatal(err, outcomes[size-1].Refusal)
				}
				return time.Since(start)
			}
			var ours, theirs []time.Duration
			for b.Loop() {
				if n += size; len(ours)%2 == 0 { // neither is always the first
					ours = append(ours, apply(with))
					theirs = append(theirs, apply(without))
				} else {
					theirs = append(theirs, apply(without))
					ours = append(ours, apply(with))
				}
			}
			median := func(ds []time.Duration) float64 {
				slices.Sort(ds)
				return float64(ds[len(ds)/2])
			}
			b.ReportMetric(median(ours)/float64(size), "ns/command")
			b.ReportMetric(100*(median(ours)/median(theirs)-1), "cost-%")
		})
	}
}
