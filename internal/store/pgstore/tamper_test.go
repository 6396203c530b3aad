package pgstore_test

import (
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"

	"scrip/internal/store"
	"scrip/internal/store/storetest"
	"scrip/internal/testenv"
)

func TestTamperingIsFound(t *testing.T) {
	t.Parallel()
	storetest.RunTampering(t, driver(testenv.Database(t)), func(t testing.TB, s store.Store) storetest.Tamper {
		t.Helper()
		o, ok := s.(opened)
		if !ok {
			t.Fatalf("not a store of this driver: %T", s)
		}
		return tamper{t, connect(t, o.cfg.URL)}
	})
}

// tamper is somebody with psql.
type tamper struct {
	testing.TB
	conn *pgx.Conn
}

const itsWallet = " WHERE customer = $1 AND currency = $2 AND seq = $3"

func (b tamper) one(sql string, args ...any) {
	b.Helper()
	tag, err := b.conn.Exec(b.Context(), sql, args...)
	if err != nil || tag.RowsAffected() != 1 {
		b.Fatalf("%s: %s, %v", sql, tag, err)
	}
}

func (b tamper) AlterAmount(r store.TransferRef) {
	b.one("UPDATE transfer SET amount = amount + 1"+itsWallet, r.Customer, string(r.Currency), r.Seq)
}

func (b tamper) Delete(r store.TransferRef) {
	b.one("DELETE FROM transfer"+itsWallet, r.Customer, string(r.Currency), r.Seq)
}

func (b tamper) Insert(like, as store.TransferRef) {
	b.one(`INSERT INTO transfer (customer, currency, seq, id, kind, debit_kind, credit_kind, campaign_id, amount, balance, at, queued)
		SELECT customer, currency, $4, id, kind, debit_kind, credit_kind, campaign_id, amount, balance, at, true FROM transfer`+itsWallet,
		like.Customer, string(like.Currency), like.Seq, as.Seq)
}

func (b tamper) Swap(x, y store.TransferRef) {
	const move = "UPDATE transfer SET seq = $4" + itsWallet
	b.one(move, x.Customer, string(x.Currency), x.Seq, 999)
	b.one(move, y.Customer, string(y.Currency), y.Seq, x.Seq)
	b.one(move, x.Customer, string(x.Currency), 999, y.Seq)
}

func (b tamper) AlterSeal(number int64) {
	b.one("UPDATE seal SET at = at + interval '1 microsecond' WHERE number = $1", number)
}

func (b tamper) DeleteSeal(number int64) { b.one("DELETE FROM seal WHERE number = $1", number) }

// A server seals what it has committed, by either lane, and not what stands in the database by then; another one seals what
// it finds.
func TestAlteredBeforeItIsSealed(t *testing.T) {
	t.Parallel()
	for _, ours := range []bool{true, false} {
		at := testenv.Database(t)
		s, other := open(t, at, nil), open(t, at, nil)
		create(t, s, "SA1AM", 0)
		apply(t, s, redeem("SA1AM", "ali"), pay("ali", 5))
		s.takes(t, 1, 0, func() { apply(t, s, crowd("SA1AM", "cyrus", "bita", "dara")...) })
		s.takes(t, 1, 0, func() {
			same(t, "a winner among them", verdicts(t, s, crowd("SA1AM", "elham", "ali")...), "5, already_redeemed")
		})
		who := []string{"ali IRR 1", "dara IRR 1"}
		by := tamper{t, connect(t, at)}
		by.AlterAmount(store.TransferRef{Customer: "ali", Currency: "IRR", Seq: 1})
		by.AlterAmount(store.TransferRef{Customer: "dara", Currency: "IRR", Seq: 1})
		sealer := s
		if !ours {
			sealer = other
		}
		made, _, err := sealer.Seal(t.Context(), store.Sealing{Max: 10})
		if err != nil || made == nil || made.Count != 6 {
			t.Fatalf("sealed %+v, %v", made, err)
		}
		var found []string
		if _, err := other.Audit(t.Context(), func(f store.Finding) {
			if f.Check == store.CheckSealed {
				found = append(found, f.ID)
			}
		}); err != nil {
			t.Fatal(err)
		}
		slices.Sort(found)
		if ours && !slices.Equal(found, who) || !ours && found != nil {
			t.Errorf("sealed by the server that wrote it: %t; the seal tells of %q", ours, found)
		}
	}
}
