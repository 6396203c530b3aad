package chaos_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"scrip/e2e/site"
	"scrip/internal/testenv"
)

// away is what PostgreSQL and Redis have in common for a fault.
type away interface {
	Kill(ctx context.Context) error
	Start(ctx context.Context) error
	Pause() error
	Resume() error
}

// alone lets one fault at a time have what all servers stand on.
func (h *hand) alone(strike func() error) error {
	if !h.wide.TryLock() {
		return errBusy
	}
	defer h.wide.Unlock()
	return strike()
}

func (h *hand) kill(ctx context.Context, of away) error {
	return h.alone(func() error {
		if err := of.Kill(ctx); err != nil {
			return err
		}
		h.last()
		return of.Start(ctx)
	})
}

func (h *hand) pause(of away) error {
	return h.alone(func() error {
		if err := of.Pause(); err != nil {
			return err
		}
		h.last()
		return of.Resume()
	})
}

func postgresKilled(ctx context.Context, h *hand) error { return h.kill(ctx, h.w.postgres) }
func postgresPaused(_ context.Context, h *hand) error   { return h.pause(h.w.postgres) }
func redisKilled(ctx context.Context, h *hand) error    { return h.kill(ctx, h.w.redis) }
func redisPaused(_ context.Context, h *hand) error      { return h.pause(h.w.redis) }

func redisFlushed(ctx context.Context, h *hand) error {
	return h.alone(func() error {
		for range 1 + h.random.IntN(3) {
			if _, err := h.w.redis.Do(ctx, "FLUSHALL"); err != nil {
				return err
			}
			h.rest(lastMost / 4)
		}
		return nil
	})
}

// cutAtCommit cuts a connection at a COMMIT that goes by.
func cutAtCommit(_ context.Context, h *hand, s *server) error {
	moments := []site.Moment{site.BeforeCommit, site.AtCommit, site.AfterCommit}
	cut := s.cutter.Arm(moments[h.random.IntN(len(moments))])
	select {
	case <-cut:
		return nil
	case <-time.After(crashWait):
		s.cutter.Disarm()
		return errBusy
	}
}

// diskFull fills the disk under the store. PostgreSQL may end itself of it, and is started again.
func diskFull(ctx context.Context, h *hand) error {
	return h.alone(func() error {
		disk := h.w.disk
		for range 3 { // and what is let go of meanwhile
			if err := disk.Fill(); err != nil {
				return errors.Join(err, disk.Free())
			}
			h.rest(lastMost / 3)
		}
		if err := disk.Free(); err != nil {
			return err
		}
		if h.w.postgres == nil {
			return nil
		}
		return h.w.mendPostgres(ctx)
	})
}

// mendPostgres waits until PostgreSQL writes again, and starts it where it has ended.
func (w *world) mendPostgres(ctx context.Context) error {
	var err error
	for end := time.Now().Add(recoverMax); time.Now().Before(end); time.Sleep(again) {
		if err = w.writes(ctx); err == nil {
			return nil
		}
		_ = w.postgres.Start(ctx) // while it still runs, or ends, this fails; it is tried again
	}
	return fmt.Errorf("PostgreSQL does not write %v after its disk has room: %w", recoverMax, err)
}

// writes tries whether PostgreSQL can write.
func (w *world) writes(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, w.postgres.URL(databaseName))
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, "CREATE TEMPORARY TABLE room AS SELECT 1")
	return errors.Join(err, conn.Close(ctx))
}

// fakeTime makes PostgreSQL's clock one that can be moved, and returns what its environment needs: a library
// that is loaded before the C library's clock, and the file in which it reads by how much it is off. Where
// the library is not installed, the clock stays as it is; CI must have it.
func (w *world) fakeTime() []string {
	w.t.Helper()
	library := testenv.FakeTime()
	if library == "" {
		if os.Getenv("CI") != "" {
			w.t.Fatal("libfaketime is not installed (Debian: faketime)")
		}
		fmt.Fprintln(os.Stderr, "e2e/chaos: PostgreSQL's clock is not moved: libfaketime is not installed (Debian: faketime)")
		return nil
	}
	dir, err := site.Folder("scrip-chaos-clock-")
	if err != nil {
		w.t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil { //nolint:gosec // PostgreSQL's user reads it
		w.t.Fatal(err)
	}
	w.clockFile = filepath.Join(dir, "offset")
	if err := w.setClock(0); err != nil {
		w.t.Fatal(err)
	}
	return []string{
		"LD_PRELOAD=" + library, "FAKETIME_TIMESTAMP_FILE=" + w.clockFile, "FAKETIME_NO_CACHE=1",
		"FAKETIME_DONT_FAKE_MONOTONIC=1", "FAKETIME_FORCE_MONOTONIC_FIX=0",
	}
}

// setClock moves PostgreSQL's clock.
func (w *world) setClock(by time.Duration) error {
	next := w.clockFile + ".next"
	if err := os.WriteFile(next, fmt.Appendf(nil, "%+d\n", int(by/time.Second)), 0o644); err != nil { //nolint:gosec // PostgreSQL's user reads it
		return err
	}
	return os.Rename(next, w.clockFile)
}

// postgresClock moves PostgreSQL's clock, ahead or back. A server never lets the store's clock run back, so
// after it was ahead each is started again.
func postgresClock(_ context.Context, h *hand) error {
	return h.alone(func() error {
		by := time.Duration(1+h.random.IntN(hours)) * time.Hour
		if h.random.IntN(2) == 0 {
			by = -by
		}
		index := h.w.clock.begin(move{begin: h.w.time.now(), ahead: max(0, by), behind: max(0, -by), stopped: true})
		defer func() { h.w.clock.end(index, h.w.time.now()) }()
		if err := h.w.setClock(by); err != nil {
			return err
		}
		h.last()
		if err := h.w.setClock(0); err != nil {
			return err
		}
		h.last()
		return h.w.restart()
	})
}

// restart kills all servers and starts them again.
func (w *world) restart() error {
	errs := make([]error, len(w.servers))
	var all sync.WaitGroup
	for i, s := range w.servers {
		all.Go(func() {
			s.held.Lock()
			defer s.held.Unlock()
			s.crash()
			errs[i] = s.revive()
		})
	}
	all.Wait()
	return errors.Join(errs...)
}
