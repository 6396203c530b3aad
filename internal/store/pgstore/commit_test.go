package pgstore_test

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"scrip/internal/fault"
	"scrip/internal/id"
	"scrip/internal/store"
	"scrip/internal/store/pgstore"
)

// cuts is how often each cut is tried.
const cuts = 25

// A connection that is lost during COMMIT leaves a batch whose fate is unknown, whether the server never got
// the COMMIT or its answer never came back. Asked again by its ids, on any process, it is applied once.
func TestConnectionCutDuringCommit(t *testing.T) {
	for _, c := range []struct {
		name    string
		arm     func(p *proxy) *atomic.Bool
		applied bool
	}{
		{"before the server got it", func(p *proxy) *atomic.Bool { return &p.cutBefore }, false},
		{"before its answer arrived", func(p *proxy) *atomic.Bool { return &p.cutAfter }, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			at, p := viaProxy(t)
			cut, whole := openWith(t, pgstore.Config{URL: p.at(at)}), open(t, at, nil)
			create(t, whole, "SA1AM", 0)
			for i := range cuts {
				earlier := redeem("SA1AM", fmt.Sprint("earlier", i))
				apply(t, whole, earlier, pay(name(i), 100))
				won := redeem("SA1AM", name(i))
				won.Key = "k"
				batch := []store.Command{
					won, send(name(i), fmt.Sprint("new", i), 100), pay(fmt.Sprint("newer", i), 7),
					&store.Rollback{ID: id.New(earlier.ID.Time()), Redemption: earlier.ID},
				}
				c.arm(p).Store(true)
				if _, err := cut.Apply(t.Context(), batch); !errors.Is(err, store.ErrFateUnknown) {
					t.Fatalf("got %v, want an unknown fate", err)
				}
				asked := []store.Store{cut, whole}[i%2]
				for j, o := range apply(t, asked, again(batch)...) {
					if o.Replayed != c.applied {
						t.Fatalf("round %d, command %d: replayed is %t", i, j, o.Replayed)
					}
				}
				for j, o := range apply(t, whole, again(batch)...) {
					if !o.Replayed {
						t.Fatalf("round %d, command %d was applied twice", i, j)
					}
				}
				got := []int64{
					balance(t, whole, name(i)), balance(t, whole, fmt.Sprint("new", i)),
					balance(t, whole, fmt.Sprint("newer", i)), balance(t, whole, fmt.Sprint("earlier", i)),
				}
				if want := []int64{1000, 100, 7, 0}; fmt.Sprint(got) != fmt.Sprint(want) {
					t.Fatalf("balances %v, want %v", got, want)
				}
			}
			audited(t, whole)
		})
	}
}

// A process that was paused while it held locks is thrown out, the others go on, whatever their connections are called, and
// what it asked for when it woke up is not done behind their backs.
func TestPausedHolderOfLocksIsThrownOut(t *testing.T) {
	t.Parallel()
	for name, from := range map[string]string{
		"between two round trips":     "INSERT INTO wallet",
		"in the middle of a pipeline": "COMMIT",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			at, p := viaProxy(t)
			paused, others := openWith(t, pgstore.Config{URL: p.at(at) + "&application_name=A"}), open(t, at+"&application_name=B", nil)
			create(t, others, "SA1AM", 1)
			won := redeem("SA1AM", "ali")
			batch := []store.Command{won, pay("ali", 5)}
			apply(t, paused, pay("zal", 1)) // prepares what it can
			h := &hold{query: from, until: make(chan struct{})}
			wake := sync.OnceFunc(func() { close(h.until) })
			t.Cleanup(wake)
			p.hold.Store(h)
			told := make(chan error, 1)
			go func() {
				_, err := paused.Apply(t.Context(), batch)
				told <- err
			}()
			for p.hold.Load() != nil {
				runtime.Gosched() // until it stands there, with its locks
			}
			faster := []store.Command{redeem("SA1AM", "bita")}
			_, err := others.Apply(t.Context(), faster)
			if errors.Is(err, store.ErrLocked) { // its patience ended with the server's
				_, err = others.Apply(t.Context(), faster)
			}
			if err != nil {
				t.Fatal(err)
			}
			wake()
			if err := <-told; !errors.Is(err, store.ErrFateUnknown) {
				t.Fatalf("the paused one got %v, want an unknown fate", err)
			}
			outcomes, err := paused.Apply(t.Context(), again(batch))
			if err != nil {
				t.Fatal(err)
			}
			if r := outcomes[0].Refusal; r == nil || !r.Is(fault.ErrSoldOut) {
				t.Errorf("its redemption: %+v, want sold out", outcomes[0])
			}
			if o := outcomes[1]; o.Refusal != nil || o.Replayed {
				t.Errorf("its post: %+v, want it done now", o)
			}
			audited(t, others)
		})
	}
}

// Only writers of the same schema are ended: neither another deployment's in the same database, nor whoever else is in the middle
// of sending something.
func TestOnlyOurOwnAreThrownOut(t *testing.T) {
	t.Parallel()
	at, p := viaProxy(t)
	conn := connect(t, at)
	execute(t, conn, "CREATE SCHEMA other")
	ours := open(t, at, nil)
	theirs := openWith(t, pgstore.Config{URL: p.at(at) + "&search_path=other"})
	execute(t, conn, "CREATE TABLE person (id int)")
	create(t, theirs, "SA1AM", 0)
	h := &hold{query: "COMMIT", until: make(chan struct{})}
	wake := sync.OnceFunc(func() { close(h.until) })
	t.Cleanup(wake)
	p.hold.Store(h)
	told := make(chan error, 2)
	go func() {
		_, err := theirs.Apply(t.Context(), []store.Command{redeem("SA1AM", "ali")})
		told <- err
	}()
	sent, send := io.Pipe()
	go func() {
		_, err := conn.PgConn().CopyFrom(t.Context(), sent, "COPY person FROM STDIN")
		told <- err
	}()
	time.Sleep(2500 * time.Millisecond) // longer than a writer may be silent, shorter than their round trip
	ours.EndStalled(t.Context())
	wake()
	if err := send.Close(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := <-told; err != nil {
			t.Errorf("one that is not ours was ended: %v", err)
		}
	}
}
