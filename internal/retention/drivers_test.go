package retention_test

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"scrip/internal/access"
	"scrip/internal/id"
	"scrip/internal/retention"
	"scrip/internal/store"
	"scrip/internal/store/pgstore"
	"scrip/internal/store/sqlitestore"
	"scrip/internal/testenv"
	"scrip/internal/voucher"
)

func TestMain(m *testing.M) { testenv.Main(m) }

const (
	events     = 100_000 // too old, and pruned
	young      = 500     // and not
	keep       = 400 * day
	oldestAge  = 800 * day
	addedBatch = 10_000
)

// driver is a store with many events that are older than any clock would have it write.
type driver struct {
	name string
	open func(t *testing.T) store.Store
}

func drivers() []driver {
	return []driver{{"sqlite", openFile}, {"postgres", openPostgres}}
}

// long skips a test that makes a hundred thousand events, under -short.
func long(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("it makes a hundred thousand events")
	}
}

// aged calls add with the id and the time of each event: the old ones first.
func aged(add func(event id.ID, at time.Time)) {
	at := time.Now().Add(-oldestAge).Truncate(time.Microsecond)
	for range events {
		add(id.New(at), at)
		at = at.Add((oldestAge - keep - day) / events)
	}
	at = time.Now().Add(-keep + day).Truncate(time.Microsecond)
	for range young {
		add(id.New(at), at)
		at = at.Add(time.Second)
	}
}

func openFile(t *testing.T) store.Store {
	t.Helper()
	path := filepath.Join(t.TempDir(), sqlitestore.FileName)
	if err := sqlitestore.Migrate(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	conn, err := sqlite.OpenConn(path, sqlite.OpenReadWrite)
	if err != nil {
		t.Fatal(err)
	}
	end := sqlitex.Transaction(conn)
	aged(func(event id.ID, at time.Time) {
		err = sqlitex.Execute(conn, `INSERT INTO audit_event (id, at, actor_name, request_id, action, object, was, became)
			VALUES (?, ?, 'open', '', 'voucher.amend', 'vch_x', '{"limit":1}', '{"limit":2}')`, &sqlitex.ExecOptions{Args: []any{event[:], at.UnixMicro()}})
		if err != nil {
			t.Fatal(err)
		}
	})
	if end(&err); err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	s, err := sqlitestore.Open(t.Context(), sqlitestore.Config{Path: path})
	return opened(t, s, err)
}

func openPostgres(t *testing.T) store.Store {
	t.Helper()
	at := testenv.Database(t)
	s, err := pgstore.Open(t.Context(), pgstore.Config{URL: at, MaxConns: 8})
	opened(t, s, err)
	conn, err := pgx.Connect(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context()) //nolint:errcheck // the database is dropped
	var rows [][]any
	flush := func() {
		_, err := conn.CopyFrom(t.Context(), pgx.Identifier{"audit_event"},
			[]string{"id", "at", "actor_name", "request_id", "action", "object", "was", "became"}, pgx.CopyFromRows(rows))
		if err != nil {
			t.Fatal(err)
		}
		rows = rows[:0]
	}
	aged(func(event id.ID, at time.Time) {
		rows = append(rows, []any{[16]byte(event), at, "open", "", "voucher.amend", "vch_x", `{"limit":1}`, `{"limit":2}`})
		if len(rows) == addedBatch {
			flush()
		}
	})
	flush()
	return s
}

func opened[S store.Store](t *testing.T, s S, err error) store.Store {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// A hundred thousand old events go in small batches, of which none goes wrong, while customers redeem; the younger
// ones stay, and so does everything that is money.
func TestManyEventsGoWhileCustomersRedeem(t *testing.T) {
	t.Parallel()
	long(t)
	for _, d := range drivers() {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			s := d.open(t)
			shared := share(t, s)
			var batches, removed, most atomic.Int64
			// Begin and end stand around the pruning; what is redeemed between counts.
			redeemed, stop := redeem(t, s, shared)
			service := service(t, retention.Config{
				Now:   func(ctx context.Context) (time.Time, error) { _, now, err := s.Lookup(ctx, nil); return now, err },
				Pause: time.Millisecond, Log: slog.New(slog.DiscardHandler),
			}, retention.Kind{Name: "audit", Keep: keep, Prune: func(ctx context.Context, before time.Time, limit int) (int, error) {
				n, err := s.PruneEvents(ctx, before, limit)
				batches.Add(1)
				removed.Add(int64(n))
				most.Store(max(most.Load(), int64(n)))
				return n, err
			}})
			before := redeemed.Load()
			service.Round(t.Context())
			during := redeemed.Load() - before
			stop()
			if removed.Load() != events || batches.Load() != events/500+1 || most.Load() != 500 {
				t.Errorf("%d events were removed in %d batches of %d at most", removed.Load(), batches.Load(), most.Load())
			}
			if during == 0 {
				t.Error("nobody redeemed meanwhile")
			}
			left, more, err := s.ListEvents(t.Context(), store.EventFilter{Action: store.VoucherAmended}, store.Page{Limit: store.PageLimitMax})
			if err != nil || !more || len(left) != store.PageLimitMax {
				t.Errorf("%d younger events are listed, %v", len(left), err)
			}
			service.Round(t.Context())
			if removed.Load() != events {
				t.Error("a second round removed what is not too old")
			}
			holds(t, s, redeemed.Load())
			t.Logf("%d batches; %d redemptions meanwhile", batches.Load(), during)
		})
	}
}

// share makes a code without a limit.
func share(t *testing.T, s store.Store) string {
	t.Helper()
	now := time.Now()
	c := &voucher.Campaign{ID: id.New(now), Name: "salam", Currency: "IRR", Effect: voucher.Effect{Kind: voucher.Credit, AmountMinor: 100}}
	v := voucher.Voucher{ID: id.New(now), CampaignID: c.ID, Code: "salam", Key: "SA1AM", PerCustomer: 1}
	if _, _, err := s.Create(t.Context(), store.Creation{Campaign: c, Vouchers: []voucher.Voucher{v}, By: access.By{Name: "open"}}); err != nil {
		t.Fatal(err)
	}
	return v.Key
}

// redeem has customers redeem, batch after batch, until stop.
func redeem(t *testing.T, s store.Store, key string) (redeemed *atomic.Int64, stop func()) {
	t.Helper()
	redeemed = &atomic.Int64{}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for n := 0; ctx.Err() == nil; n++ {
			commands := make([]store.Command, 8)
			for i := range commands {
				commands[i] = &store.Redeem{ID: id.New(time.Now()), Code: key, Customer: fmt.Sprintf("c%d-%d", n, i)}
			}
			outs, err := s.Apply(context.WithoutCancel(ctx), commands)
			if err != nil {
				t.Errorf("redeem: %v", err)
				return
			}
			for _, o := range outs {
				if o.Refusal != nil {
					t.Errorf("refused: %v", o.Refusal)
					return
				}
			}
			redeemed.Add(int64(len(outs)))
			time.Sleep(2 * time.Millisecond) // a steady load, and not all the machine has
		}
	}()
	stop = func() {
		cancel()
		<-ended
	}
	t.Cleanup(stop)
	return redeemed, stop
}

// holds fails the test unless every invariant holds in a store with just so many redemptions.
func holds(t *testing.T, s store.Store, redemptions int64) {
	t.Helper()
	read, err := s.Audit(t.Context(), func(f store.Finding) { t.Errorf("%+v", f) })
	if err != nil || read.Redemptions != redemptions || read.Transfers != redemptions {
		t.Errorf("%d redemptions were acknowledged; there are %+v, %v", redemptions, read, err)
	}
}

// Servers that prune at once remove each event once, and none that is young.
func TestServersPruneTogether(t *testing.T) {
	t.Parallel()
	long(t)
	s := openPostgres(t)
	var removed atomic.Int64
	ended := make(chan struct{})
	const servers = 3
	for range servers {
		service := service(t, retention.Config{
			Now:   func(ctx context.Context) (time.Time, error) { _, now, err := s.Lookup(ctx, nil); return now, err },
			Pause: time.Millisecond, Batch: 2000, Log: slog.New(slog.DiscardHandler),
		}, retention.Kind{Name: "audit", Keep: keep, Prune: func(ctx context.Context, before time.Time, limit int) (int, error) {
			n, err := s.PruneEvents(ctx, before, limit)
			removed.Add(int64(n))
			return n, err
		}})
		go func() {
			service.Round(t.Context())
			ended <- struct{}{}
		}()
	}
	for range servers {
		<-ended
	}
	if removed.Load() != events {
		t.Errorf("%d events were removed, not %d", removed.Load(), events)
	}
}
