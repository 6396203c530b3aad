package pgstore_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"scrip/internal/store"
	"scrip/internal/testenv"
)

// attemptsMax is how often a batch is tried.
const attemptsMax = 8

// What PostgreSQL does to a transaction because of another one is tried again, for as often as it
// says, and then the batch is surely not applied. A trigger says it: nextval outlives the rollback. Who waited for a
// lock in vain is told so at once.
func TestLostTransactionsAreTriedAgain(t *testing.T) {
	t.Parallel()
	for code, most := range map[string]int{"40001": attemptsMax, "40P01": attemptsMax, "55P03": 1} {
		for _, fails := range []int{0, 3, attemptsMax - 1, attemptsMax, 1000} {
			applied := fails < most
			t.Run(fmt.Sprintf("%s for %d times", code, fails), func(t *testing.T) {
				t.Parallel()
				at := testenv.Database(t)
				s := open(t, at, nil)
				create(t, s, "SA1AM", 0)
				server := connect(t, at)
				execute(t, server, fmt.Sprintf(`CREATE SEQUENCE tries;
					CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
						IF nextval('tries') <= %d THEN RAISE EXCEPTION 'lost' USING ERRCODE = '%s'; END IF;
						RETURN NULL;
					END $$;
					CREATE TRIGGER lose AFTER INSERT ON transfer EXECUTE FUNCTION lose()`, fails, code))
				_, err := s.Apply(t.Context(), []store.Command{redeem("SA1AM", "ali"), pay("bita", 5)})
				var tries int
				if err := server.QueryRow(t.Context(), "SELECT last_value FROM tries").Scan(&tries); err != nil {
					t.Fatal(err)
				}
				if want := min(fails+1, most); tries != want {
					t.Errorf("tried %d times, want %d", tries, want)
				}
				if got := balance(t, s, "ali"); applied && (err != nil || got != 1000) {
					t.Errorf("got %v and a balance of %d", err, got)
				}
				if !applied {
					notApplied(t, s, err, code)
				}
				if errors.Is(err, store.ErrLocked) != (!applied && code == "55P03") {
					t.Errorf("got %v", err)
				}
				audited(t, s)
			})
		}
	}
}

func notApplied(t *testing.T, s store.Store, err error, code string) {
	t.Helper()
	cause, ok := errors.AsType[*pgconn.PgError](err)
	if !errors.Is(err, store.ErrNotApplied) || !ok || cause.Code != code {
		t.Errorf("got %v, want that it was not applied because of %s", err, code)
	}
	if got := balance(t, s, "ali") + balance(t, s, "bita"); got != 0 {
		t.Errorf("balances of %d, want none", got)
	}
}

// A defect of the database's own (a constraint that stands behind the arithmetic) is no loss to a neighbour,
// and is not tried again.
func TestOtherErrorsAreNotTriedAgain(t *testing.T) {
	t.Parallel()
	at := testenv.Database(t)
	s := open(t, at, nil)
	server := connect(t, at)
	execute(t, server, `CREATE SEQUENCE tries;
		CREATE FUNCTION break() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
			PERFORM nextval('tries'); RAISE EXCEPTION 'full' USING ERRCODE = '53100';
		END $$;
		CREATE TRIGGER break AFTER INSERT ON transfer EXECUTE FUNCTION break()`)
	_, err := s.Apply(t.Context(), []store.Command{pay("ali", 5), pay("bita", 5)})
	notApplied(t, s, err, "53100")
	var tries int
	if err := server.QueryRow(t.Context(), "SELECT last_value FROM tries").Scan(&tries); err != nil || tries != 1 {
		t.Errorf("tried %d times (%v), want once", tries, err)
	}
}

// A lost connection before the commit was asked for is no fault of the batch's: another one takes it.
func TestDeadConnectionsAreReplaced(t *testing.T) {
	t.Parallel()
	at, p := viaProxy(t)
	s := open(t, p.at(at), nil)
	create(t, s, "SA1AM", 0)
	for i := range 20 {
		apply(t, s, redeem("SA1AM", name(i)))
		p.cut()
	}
	apply(t, s, redeem("SA1AM", "ali"))
	audited(t, open(t, at, nil))
}
