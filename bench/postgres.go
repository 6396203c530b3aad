package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/jackc/pgx/v5"

	"scrip/internal/testenv"
)

// The production stores, on the same cores as everything else: a PostgreSQL and a Redis of our own, started
// for the run on the disk that is measured, PostgreSQL with fsync, full_page_writes and synchronous_commit.

// postgresConf is what anybody would set for a load like this; the rest is as initdb leaves it.
func postgresConf() []string {
	return []string{
		"shared_buffers = 1GB",
		"max_wal_size = 8GB", // no checkpoint comes early
		"min_wal_size = 4GB", // and what it frees of the log is kept to be written over
		"wal_buffers = 64MB",
		"checkpoint_timeout = 15min",
	}
}

// backing is what the replicas share.
type backing struct {
	postgres  *testenv.Postgres
	redis     *testenv.Redis
	databases int
}

func (b *bench) startBacking(ctx context.Context) (k *backing, err error) {
	for _, dir := range []string{b.keep, b.dir} { // PostgreSQL may run as another user, who must come through
		if err := os.Chmod(dir, 0o711); err != nil { //nolint:gosec // entered, not listed
			return nil, err
		}
	}
	k = &backing{}
	if k.postgres, err = testenv.StartPostgres(ctx, testenv.PostgresOptions{Dir: b.dir, Conf: postgresConf(), Durable: true}); err != nil {
		return nil, err
	}
	if err := k.worn(ctx); err != nil {
		return nil, errors.Join(err, k.postgres.Stop()) //nolint:contextcheck // it is stopped whatever became of ctx
	}
	if k.redis, err = testenv.StartRedis(ctx, testenv.RedisOptions{}); err != nil {
		return nil, errors.Join(err, k.postgres.Stop()) //nolint:contextcheck // it is stopped whatever became of ctx
	}
	return k, nil
}

// worn makes the server one that has been in use. A server writes over the files of its log that a checkpoint has freed; one
// that has just been made must make each of them first, by zeros and a sync, within somebody's commit.
func (k *backing) worn(ctx context.Context) error {
	const files = 200 // of 16 MiB
	conn, err := pgx.Connect(ctx, k.postgres.URL("postgres"))
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx)) //nolint:errcheck // nothing is left to send
	for range files {
		if _, err := conn.Exec(ctx, "SELECT pg_logical_emit_message(false, 'bench', ''), pg_switch_wal()"); err != nil {
			return err
		}
	}
	_, err = conn.Exec(ctx, "CHECKPOINT")
	return err
}

func (k *backing) stop() error { return errors.Join(k.redis.Stop(), k.postgres.Stop()) }

// database makes an empty one and returns its URL.
func (k *backing) database(ctx context.Context) (string, error) {
	k.databases++
	name := "bench" + strconv.Itoa(k.databases)
	return k.postgres.URL(name), k.postgres.CreateDatabase(ctx, name)
}

// flags are those of a replica on a database.
func (k *backing) flags(database string) []string {
	return []string{"--database-url", database, "--redis-url", k.redis.URL()}
}

// measurePostgres runs the sections that need PostgreSQL and Redis, each with servers of its own: what one has written would be
// vacuumed during the next.
func (b *bench) measurePostgres(ctx context.Context, r *report) error {
	for _, section := range []struct {
		name    string
		measure func(k *backing) error
	}{
		{sectionStore, func(k *backing) (err error) { r.Store, err = b.storeAlone(ctx, k); return err }},
		{sectionPostgres, func(k *backing) (err error) { r.Postgres, err = b.oneReplica(ctx, k); return err }},
		{sectionReplicas, func(k *backing) error { return b.manyReplicas(ctx, k, r) }},
	} {
		if !b.wants(section.name) {
			continue
		}
		if err := b.withBacking(ctx, section.measure); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) withBacking(ctx context.Context, do func(k *backing) error) error {
	k, err := b.startBacking(ctx)
	if err != nil {
		return err
	}
	return errors.Join(do(k), k.stop()) //nolint:contextcheck // it is stopped whatever became of ctx
}

// oneReplica measures accepts, refusals and balances of one server.
func (b *bench) oneReplica(ctx context.Context, k *backing) ([]*series, error) {
	database, err := k.database(ctx)
	if err != nil {
		return nil, err
	}
	scrip, _, err := b.serve(ctx, filepath.Join(b.dir, "replica"), k.flags(database)...)
	if err != nil {
		return nil, err
	}
	defer scrip.stop()
	bare, err := startBare(ctx)
	if err != nil {
		return nil, err
	}
	defer bare.stop()
	var all []*series
	for _, connections := range b.connections {
		floor := postgresFloorMany
		if connections <= fewConnections {
			floor = postgresFloorFew
		}
		loads, err := b.underLoad(ctx, bare.base, scrip, connections, floor)
		if err != nil {
			return nil, err
		}
		all = append(all, loads...)
	}
	first, err := b.fillPostgres(ctx, database)
	if err != nil {
		return nil, err
	}
	for _, connections := range b.connections {
		read, err := b.balances(ctx, bare.base, scrip, connections, first)
		if err != nil {
			return nil, err
		}
		all = append(all, read)
	}
	return all, nil
}

// balances measures reads of the balances of distinct customers, all of whom have a wallet: filled from
// first on.
func (b *bench) balances(ctx context.Context, bare string, scrip *server, connections int, first int64) (*series, error) {
	read := &series{Name: "balance, POST /wallet/balance", Connections: connections, Floor: balanceFloor}
	for round := range b.runs + 1 { // the first only warms up
		b.say("balances, %d connections, round %d of %d", connections, round, b.runs)
		reference, err := b.bareRun(ctx, bare, connections)
		if err != nil {
			return nil, err
		}
		measured, err := b.wrk.run(ctx, load{
			base: scrip.base, path: "/wallet/balance", field: "mobile",
			first: first, span: filledWallets / wrkThreads, connections: connections, duration: b.duration,
		})
		if err != nil {
			return nil, err
		}
		if measured.Non2xx > 0 {
			return nil, fmt.Errorf("balances: %d of %d responses are no success", measured.Non2xx, measured.Requests)
		}
		if round > 0 {
			read.add(reference, measured)
		}
	}
	return read, b.checkBalances(ctx, scrip, first)
}

// checkBalances looks at some of the wallets that were read: each must hold what the fill gave.
func (b *bench) checkBalances(ctx context.Context, scrip *server, first int64) error {
	const looks = 100
	for n := first; n < first+filledWallets; n += filledWallets / looks {
		w, err := scrip.sdk.Wallet(ctx, mobile(n))
		if err != nil {
			return err
		}
		if len(w.Balances) != 1 || w.Balances[0].Amount != benchCredit {
			return fmt.Errorf("the wallet of %s holds %+v, want %d", mobile(n), w.Balances, benchCredit)
		}
	}
	return ctx.Err()
}
