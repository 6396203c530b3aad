package sqlitestore_test

import (
	"testing"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"scrip/internal/store"
	"scrip/internal/store/sqlitestore"
	"scrip/internal/store/storetest"
)

func TestTamperingIsFound(t *testing.T) {
	t.Parallel()
	storetest.RunTampering(t, driver(), func(t testing.TB, s store.Store) storetest.Tamper {
		t.Helper()
		o, ok := s.(opened)
		if !ok {
			t.Fatalf("not a store of this driver: %T", s)
		}
		conn, err := sqlite.OpenConn(o.path, sqlite.OpenReadWrite)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		return shell{t, conn}
	})
}

// shell is somebody with the sqlite3 shell.
type shell struct {
	testing.TB
	conn *sqlite.Conn
}

const itsWallet = " WHERE customer_no = ? AND currency = ? AND seq = ?"

// no is a customer's number.
func (b shell) no(name string) int64 {
	b.Helper()
	no, err := sqlitestore.NumberOf(b.conn, name)
	if err != nil || no == 0 {
		b.Fatalf("customer %q has number %d, %v", name, no, err)
	}
	return no
}

func (b shell) one(sql string, args ...any) {
	b.Helper()
	err := sqlitex.Execute(b.conn, sql, &sqlitex.ExecOptions{Args: args})
	if err != nil || b.conn.Changes() != 1 {
		b.Fatalf("%s: %d rows, %v", sql, b.conn.Changes(), err)
	}
}

func (b shell) AlterAmount(r store.TransferRef) {
	b.one("UPDATE transfer SET amount = amount + 1"+itsWallet, b.no(r.Customer), string(r.Currency), r.Seq)
}

func (b shell) Delete(r store.TransferRef) {
	b.one("DELETE FROM transfer"+itsWallet, b.no(r.Customer), string(r.Currency), r.Seq)
}

func (b shell) Insert(like, as store.TransferRef) {
	b.one(`INSERT INTO transfer (customer_no, currency, seq, id, kind, debit, credit, amount, balance, at, queued)
		SELECT customer_no, currency, ?, id, kind, debit, credit, amount, balance, at, queued FROM transfer`+itsWallet,
		as.Seq, b.no(like.Customer), string(like.Currency), like.Seq)
}

func (b shell) Swap(x, y store.TransferRef) {
	const move = "UPDATE transfer SET seq = ?" + itsWallet
	b.one(move, 999, b.no(x.Customer), string(x.Currency), x.Seq)
	b.one(move, x.Seq, b.no(y.Customer), string(y.Currency), y.Seq)
	b.one(move, y.Seq, b.no(x.Customer), string(x.Currency), 999)
}

func (b shell) AlterSeal(number int64) { b.one("UPDATE seal SET at = at + 1 WHERE number = ?", number) }

func (b shell) DeleteSeal(number int64) { b.one("DELETE FROM seal WHERE number = ?", number) }

// A server that has not stopped in between seals what it has committed, not what stands in the file by then; one that was
// started since seals what it finds.
func TestAlteredBeforeItIsSealed(t *testing.T) {
	t.Parallel()
	for _, restarted := range []bool{false, true} {
		s, path := redeemed(t, 3)
		if restarted {
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		}
		conn, err := sqlite.OpenConn(path, sqlite.OpenReadWrite)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		who := store.TransferRef{Customer: "customer-1", Currency: "IRR", Seq: 1}
		shell{t, conn}.AlterAmount(who)
		var at store.Store = s
		if restarted {
			at = open(t, path, nil)
		}
		made, _, err := at.Seal(t.Context(), store.Sealing{Max: 10})
		if err != nil || made == nil || made.Count != 3 {
			t.Fatalf("sealed %+v, %v", made, err)
		}
		found := false
		if _, err := at.Audit(t.Context(), func(f store.Finding) {
			found = found || f.Check == store.CheckSealed && f.ID == "customer-1 IRR 1"
		}); err != nil {
			t.Fatal(err)
		}
		if found == restarted {
			t.Errorf("restarted %v: the seal tells of the change: %v", restarted, found)
		}
	}
}
