package chaos_test

import (
	"context"
	"fmt"
	"strconv"
	"syscall"
	"time"

	"scrip/e2e/site"
)

// faults is the table: one line for each.
func faults() []fault {
	all := []fault{
		{"kill -9 of a server", nil, onServer(killed)},
		{"kill -9 of a server that starts", nil, onServer(killedStarting)},
		{"a server told to end", nil, onServer(stopped)},
		{"a server paused", nil, onServer(paused)},
		{"a server's clock moved by hours", nil, onServer(clockMoved)},
		{"clients to a server: latency", nil, onServer(breaks(toClients, "latency"))},
		{"clients to a server: a stall", nil, onServer(breaks(toClients, "timeout"))},
		{"clients to a server: resets", nil, onServer(breaks(toClients, "reset_peer"))},
		{"a full disk", hasDisk, diskFull},

		{"PostgreSQL killed", hasPostgres, postgresKilled},
		{"PostgreSQL paused", hasPostgres, postgresPaused},
		{"PostgreSQL's clock moved by hours", hasFakeTime, postgresClock},
		{"a connection cut at COMMIT", hasPostgres, onServer(cutAtCommit)},
		{"a server to PostgreSQL: latency", hasPostgres, onServer(breaks(toPostgres, "latency"))},
		{"a server to PostgreSQL: a stall", hasPostgres, onServer(breaks(toPostgres, "timeout"))},
		{"a server to PostgreSQL: resets", hasPostgres, onServer(breaks(toPostgres, "reset_peer"))},

		{"Redis killed", hasRedis, redisKilled},
		{"Redis paused", hasRedis, redisPaused},
		{"FLUSHALL", hasRedis, redisFlushed},
		{"a server to Redis: latency", hasRedis, onServer(breaks(toRedis, "latency"))},
		{"a server to Redis: a stall", hasRedis, onServer(breaks(toRedis, "timeout"))},
		{"a server to Redis: resets", hasRedis, onServer(breaks(toRedis, "reset_peer"))},
	}
	for _, p := range crashPoints() {
		all = append(all, fault{"a crash: " + p.what, p.has, onServer(crashAt(p.point))})
	}
	return all
}

// crashPoint is a named line of the program at which it is stopped.
type crashPoint struct {
	point, what string
	has         func(*world) bool
}

func crashPoints() []crashPoint {
	return []crashPoint{
		{"afterGate", "after the gate", nil},
		{"sqliteBeforeCommit", "before the commit", hasNoPostgres},
		{"sqliteAfterCommit", "after the commit", hasNoPostgres},
		{"postgresBeforeCommit", "before the commit", hasPostgres},
		{"postgresAfterCommit", "after the commit", hasPostgres},
		{"postgresBeforeExpress", "before the commit of an express batch", hasPostgres},
		{"postgresAfterExpress", "after the commit of an express batch", hasPostgres},
		{"beforeReply", "before the reply of a batch", nil},
		{"beforeAnswer", "before an answer is written", nil},
		{"inSettling", "in settling", nil},
	}
}

func hasDisk(w *world) bool       { return w.disk != nil }
func hasPostgres(w *world) bool   { return w.postgres != nil }
func hasNoPostgres(w *world) bool { return w.postgres == nil }
func hasRedis(w *world) bool      { return w.redis != nil }
func hasFakeTime(w *world) bool   { return w.clockFile != "" }

// onServer strikes one server that no other fault has.
func onServer(strike func(ctx context.Context, h *hand, s *server) error) func(context.Context, *hand) error {
	return func(ctx context.Context, h *hand) error {
		s := h.w.one(h.random)
		if s == nil {
			return errBusy
		}
		defer s.held.Unlock()
		return strike(ctx, h, s)
	}
}

func killed(_ context.Context, h *hand, s *server) error {
	s.crash()
	h.last()
	return s.revive()
}

// revive starts a server again. What it stands on may be away at the moment: then it ends, and is started
// again.
func (s *server) revive() error {
	var err error
	for end := time.Now().Add(recoverMax); time.Now().Before(end); time.Sleep(again) {
		if err = s.up(); err == nil {
			return nil
		}
		s.crash()
	}
	return err
}

func killedStarting(_ context.Context, h *hand, s *server) error {
	s.crash()
	for range 1 + h.random.IntN(3) {
		if _, err := s.Launch(); err != nil {
			return err
		}
		h.rest(60 * time.Millisecond)
		s.crash()
	}
	return s.revive()
}

func stopped(_ context.Context, h *hand, s *server) error {
	s.down.Store(true)
	if err := s.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case <-s.Exited():
	case <-time.After(site.StopMax):
		return fmt.Errorf("%s has not ended after %v", s.Name, site.StopMax)
	}
	h.rest(lastMost / 2)
	return s.revive()
}

func paused(_ context.Context, h *hand, s *server) error {
	if err := s.Signal(syscall.SIGSTOP); err != nil {
		return err
	}
	h.last()
	return s.Signal(syscall.SIGCONT)
}

// hours are by how much clocks are moved.
const hours = 6

// clockMoved moves the clock of one server's process, ahead or back. Only the embedded store judges windows by
// it, and it never runs back while it is open: after it was ahead it stands still, until the server is
// started again.
func clockMoved(ctx context.Context, h *hand, s *server) error {
	by := time.Duration(1+h.random.IntN(hours)) * time.Hour
	if h.random.IntN(2) == 0 {
		by = -by
	}
	own := h.w.postgres == nil // the store's clock is this one
	if own {
		index := h.w.clock.begin(move{begin: h.w.time.now(), ahead: max(0, by), stopped: true})
		defer func() { h.w.clock.end(index, h.w.time.now()) }()
	}
	const point = "clockMoved"
	if err := s.points.arm(ctx, point, `return("`+strconv.Itoa(int(by/time.Second))+`")`); err != nil {
		return err
	}
	h.last()
	if err := s.points.disarm(ctx, point); err != nil {
		return err
	}
	if !own || by < 0 {
		return nil
	}
	h.rest(lastMost / 2) // with a clock that stands still
	s.crash()
	return s.revive()
}

// crashAt stops the server at a named line: whoever comes there waits for ever, and then it is killed.
func crashAt(point string) func(context.Context, *hand, *server) error {
	return func(ctx context.Context, h *hand, s *server) error {
		if err := s.points.arm(ctx, point, halt); err != nil {
			return err
		}
		for end := time.Now().Add(crashWait); time.Now().Before(end); time.Sleep(time.Millisecond) {
			if n, err := s.points.reached(ctx, point); err != nil {
				return err
			} else if n > 0 {
				h.rest(lastMost / 4) // the others go on, or wait for it
				s.crash()
				h.rest(lastMost / 2)
				return s.revive()
			}
		}
		if err := s.points.disarm(ctx, point); err != nil {
			return err
		}
		return errBusy // nobody came by: what leads there is broken by another fault
	}
}

const crashWait = 2 * time.Second

// way is one of a server's links.
type way func(*server) *site.Link

func toClients(s *server) *site.Link  { return s.toClients }
func toPostgres(s *server) *site.Link { return s.toPostgres }
func toRedis(s *server) *site.Link    { return s.toRedis }

// breaks makes something go wrong on a way of a server's.
func breaks(of way, kind string) func(context.Context, *hand, *server) error {
	return func(ctx context.Context, h *hand, s *server) error {
		link := of(s)
		directions := [][]string{{site.Upstream}, {site.Downstream}, {site.Upstream, site.Downstream}}
		which := directions[h.random.IntN(len(directions))]
		switch kind {
		case "latency":
			link.Breaks(kind, map[string]int{"latency": 80, "jitter": 70}, which...)
		case "timeout":
			link.Breaks(kind, map[string]int{"timeout": 0}, which...)
		default:
			link.Breaks(kind, map[string]int{"timeout": h.random.IntN(60)}, which...)
		}
		h.last()
		link.Heal(ctx)
		return nil
	}
}
