package pgstore_test

import (
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
