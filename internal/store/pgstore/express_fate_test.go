package pgstore_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"scrip/internal/fault"
	"scrip/internal/store"
	"scrip/internal/store/pgstore"
	"scrip/internal/testenv"
)

// An express batch whose connection is cut at COMMIT, before the server got it or before its answer came back, is asked again by
// its ids within the same call, and applied once. Where that can't be done either, its fate is unknown.
func TestExpressCutOff(t *testing.T) {
	for _, before := range []bool{true, false} {
		for _, reachable := range []bool{true, false} {
			t.Run(fmt.Sprintf("before the server got it=%t, reachable=%t", before, reachable), func(t *testing.T) {
				at, p := viaProxy(t)
				s, whole := openWith(t, pgstore.Config{URL: p.at(at), MaxConns: 2}), open(t, at, nil)
				create(t, whole, "SA1AM", 0)
				apply(t, s, redeem("SA1AM", "learned"))
				for i := range cuts {
					earlier, won := fmt.Sprint("earlier", i), redeem("SA1AM", name(i))
					won.Key = "k"
					apply(t, s, redeem("SA1AM", earlier))
					batch := []store.Command{redeem("SA1AM", earlier), won, redeem("SA1AM", fmt.Sprint("too", i))}
					arm := &p.cutAfter
					if before {
						arm = &p.cutBefore
					}
					arm.Store(true)
					p.refuse.Store(!reachable)
					express, ordinary := s.Lanes()
					outcomes, err := s.Apply(t.Context(), batch)
					p.refuse.Store(false)
					if e, o := s.Lanes(); arm.Load() || e != express || (o != ordinary) != reachable {
						t.Fatal("it did not go express, and then the ordinary way")
					}
					if !reachable {
						if !errors.Is(err, store.ErrFateUnknown) {
							t.Fatalf("got %v, want an unknown fate", err)
						}
						outcomes, err = whole.Apply(t.Context(), again(batch))
					}
					if err != nil {
						t.Fatal(err)
					}
					if r := outcomes[0].Refusal; r == nil || !r.Is(fault.ErrAlreadyRedeemed) || outcomes[0].Redemption == nil {
						t.Fatalf("the earlier winner: %+v", outcomes[0])
					}
					for j, o := range outcomes[1:] {
						if o.Refusal != nil || o.Redemption.BalanceMinor != 1000 || reachable && o.Replayed || !reachable && o.Replayed == before {
							t.Fatalf("round %d, command %d: %+v", i, j+1, o)
						}
					}
					same(t, "asked again", verdicts(t, whole, again(batch[1:])...), fmt.Sprintf("again %d, again %d", outcomes[1].Redemption.Rank, outcomes[2].Redemption.Rank))
					apply(t, s, redeem("SA1AM", fmt.Sprint("next", i))) // the ordinary way, and learns
				}
				audited(t, whole)
			})
		}
	}
}

// A statement that was sent, given up and asked again by its ids, and only then runs, does nothing.
func TestExpressThatArrivesLate(t *testing.T) {
	t.Parallel()
	at, p := viaProxy(t)
	late, s := openWith(t, pgstore.Config{URL: p.at(at)}), open(t, at, nil)
	create(t, s, "SA1AM", 3)
	apply(t, late, redeem("SA1AM", "learned"))
	batch := crowd("SA1AM", "ali", "bita")
	h := &hold{query: "WITH campaigns", until: make(chan struct{})}
	wake := sync.OnceFunc(func() { close(h.until) })
	t.Cleanup(wake)
	p.hold.Store(h)
	told := make(chan []store.Outcome, 1)
	go func() {
		outcomes, err := late.Apply(t.Context(), batch)
		if err != nil {
			t.Error(err)
		}
		told <- outcomes
	}()
	for p.hold.Load() != nil {
		time.Sleep(time.Millisecond)
	}
	same(t, "asked again meanwhile", verdicts(t, s, again(batch)...), "2, 3")
	wake()
	for i, o := range <-told {
		if o.Refusal == nil || !o.Refusal.Is(fault.ErrAlreadyRedeemed) || o.Redemption == nil || o.Redemption.Customer != batch[i].(*store.Redeem).Customer { //nolint:forcetypeassert,errcheck // made above
			t.Errorf("the late one, command %d: %+v", i, o)
		}
	}
	same(t, "the next", verdicts(t, late, crowd("SA1AM", "cyrus")...), "quantity_exceeded")
	audited(t, s)
}

// What PostgreSQL does to an express batch because of another transaction undoes it, and it goes the ordinary way; so
// does what a constraint refuses.
func TestExpressThatIsLost(t *testing.T) {
	t.Parallel()
	for _, code := range []string{"40001", "40P01", "55P03", "23505", "22003"} {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			at := testenv.Database(t)
			s := open(t, at, nil)
			create(t, s, "SA1AM", 0)
			apply(t, s, redeem("SA1AM", "learned"))
			server := connect(t, at)
			execute(t, server, fmt.Sprintf(`CREATE SEQUENCE tries;
				CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
					IF nextval('tries') = 1 THEN RAISE EXCEPTION 'lost' USING ERRCODE = '%s'; END IF;
					RETURN NULL;
				END $$;
				CREATE TRIGGER lose AFTER INSERT ON transfer EXECUTE FUNCTION lose()`, code))
			s.takes(t, 0, 1, func() { same(t, "lost", verdicts(t, s, crowd("SA1AM", "ali", "bita")...), "2, 3") })
			s.takes(t, 1, 0, func() { same(t, "the next", verdicts(t, s, crowd("SA1AM", "cyrus")...), "4") })
			audited(t, s)
		})
	}
}

// A wallet that would overflow is refused to its owner alone, though the express lane's statement fails as a whole.
func TestExpressOverflow(t *testing.T) {
	t.Parallel()
	s := open(t, testenv.Database(t), nil)
	create(t, s, "SA1AM", 0)
	apply(t, s, redeem("SA1AM", "learned"), pay("rich", 1<<63-1))
	s.takes(t, 0, 1, func() {
		same(t, "a full wallet", verdicts(t, s, crowd("SA1AM", "ali", "rich", "bita")...), "2, balance_overflow, 3")
	})
	audited(t, s)
}

// The names of transfers that the database writes are those that the sealer reads, for any number that the lane takes.
func TestExpressNamesTransfers(t *testing.T) {
	t.Parallel()
	at := testenv.Database(t)
	s := open(t, at, nil)
	create(t, s, "SA1AM", 0)
	apply(t, s, redeem("SA1AM", "learned"))
	server := connect(t, at)
	for _, seq := range []int{1, 126, 127, 128, 16381, 16382, 16383, 16384} {
		who := fmt.Sprintf("با%d", seq)
		execute(t, server, fmt.Sprintf("INSERT INTO wallet VALUES ('%s', 'IRR', 5, %d)", who, seq))
		express, ordinary := int64(1), int64(0)
		if seq+1 >= 1<<14 {
			express, ordinary = 0, 1
		}
		s.takes(t, express, ordinary, func() { apply(t, s, crowd("SA1AM", fmt.Sprint("new", seq), who)...) })
		var refs []byte
		if err := server.QueryRow(t.Context(), "SELECT refs FROM unsealed ORDER BY at DESC LIMIT 1").Scan(&refs); err != nil {
			t.Fatal(err)
		}
		got, err := store.ParseRefs(refs)
		want := fmt.Sprint([]store.TransferRef{{Customer: fmt.Sprint("new", seq), Currency: "IRR", Seq: 1}, {Customer: who, Currency: "IRR", Seq: int64(seq + 1)}})
		if err != nil || fmt.Sprint(got) != want {
			t.Errorf("the names are %v (%v), want %s", got, err, want)
		}
	}
}

// An express batch that waits for a lock in vain goes the ordinary way, also where there is one connection that writes.
func TestExpressThatWaitsInVain(t *testing.T) {
	t.Parallel()
	at := testenv.Database(t)
	s := openWith(t, pgstore.Config{URL: at, MaxConns: 2, LockTimeout: 400 * time.Millisecond})
	create(t, s, "SA1AM", 0)
	apply(t, s, redeem("SA1AM", "learned"))
	holder := connect(t, at)
	execute(t, holder, "BEGIN; SELECT FROM campaign FOR UPDATE")
	told := make(chan error, 1)
	go func() {
		_, err := s.Apply(t.Context(), crowd("SA1AM", "ali", "bita"))
		told <- err
	}()
	time.Sleep(600 * time.Millisecond) // longer than it waits once, and not as long as it waits twice
	execute(t, holder, "ROLLBACK")
	if err := <-told; err != nil {
		t.Fatal(err)
	}
	if express, _ := s.Lanes(); express != 0 {
		t.Error("it went express")
	}
	audited(t, s)
}
