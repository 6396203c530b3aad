package pgstore_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"scrip/internal/id"
	"scrip/internal/ledger"
	"scrip/internal/store"
	"scrip/internal/store/pgstore"
	"scrip/internal/testenv"
	"scrip/internal/voucher"
)

// books is a database with a little of everything in it: five customers won "salam", customer-3's use was
// given back, customer-1 got a discount, was paid, spent, and sent something to customer-2.
type books struct {
	s    *pgstore.Store
	conn *pgx.Conn         // for what the store would not do
	ids  map[string]string // of what is in it, by a short name
}

func newBooks(t *testing.T) *books {
	t.Helper()
	url := testenv.Database(t)
	b := &books{s: open(t, url, nil).Store, ids: map[string]string{}}
	var err error
	if b.conn, err = pgx.Connect(t.Context(), url); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.conn.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	b.fill(t)
	return b
}

func (b *books) fill(t *testing.T) {
	t.Helper()
	fresh := func() id.ID { return id.New(time.Now()) }
	salam := b.campaign(t, "salam", voucher.Effect{Kind: voucher.Credit, AmountMinor: 1000})
	b.campaign(t, "off", voucher.Effect{Kind: voucher.Discount, AmountMinor: 300})
	var commands []store.Command
	for i := range 5 {
		commands = append(commands, &store.Redeem{ID: fresh(), Code: "SALAM", Customer: fmt.Sprintf("customer-%d", i+1)})
	}
	returned := commands[2].(*store.Redeem) //nolint:errcheck,forcetypeassert // made above
	off := &store.Redeem{ID: fresh(), Code: "OFF", Customer: "customer-1", Order: &voucher.Order{ID: "o", AmountMinor: 900, Currency: "IRR"}}
	commands = append(commands, off,
		&store.Post{ID: fresh(), Kind: ledger.Credit, Customer: "customer-1", Currency: "IRR", AmountMinor: 50},
		&store.Post{ID: fresh(), Kind: ledger.Debit, Customer: "customer-1", Currency: "IRR", AmountMinor: 20},
		&store.Post{ID: fresh(), Kind: ledger.TransferOut, Customer: "customer-1", To: "customer-2", Currency: "IRR", AmountMinor: 7})
	for _, o := range b.apply(t, commands...) {
		switch {
		case o.Transfer != nil:
			b.ids[o.Transfer.Kind.String()] = o.Transfer.ID.Format(id.Transaction)
		case o.Redemption.Effect == voucher.Credit:
			b.ids["redemption of "+o.Redemption.Customer] = o.Redemption.ID.Format(id.Redemption)
			b.ids["entry of "+o.Redemption.Customer] = o.Redemption.ID.Format(id.Transaction)
		}
	}
	back := b.apply(t, &store.Rollback{ID: fresh(), Redemption: returned.ID, Reason: "a test"})[0]
	b.ids["rollback"] = back.Rollback.ID.Format(id.Rollback)
	b.ids["entry of the rollback"] = back.Rollback.ID.Format(id.Transaction)
	b.ids["campaign"] = salam.Format(id.Campaign)
	ls, _, err := b.s.Lookup(t.Context(), []string{"SALAM"})
	if err != nil {
		t.Fatal(err)
	}
	b.ids["voucher"] = ls[0].Voucher.ID.Format(id.Voucher)
}

// campaign makes a campaign with one voucher.
func (b *books) campaign(t *testing.T, code string, e voucher.Effect) id.ID {
	t.Helper()
	c := &voucher.Campaign{ID: id.New(time.Now()), Name: code, Currency: "IRR", Effect: e}
	v := voucher.Voucher{ID: id.New(time.Now()), CampaignID: c.ID, Code: code, Key: strings.ToUpper(code), Limit: 5, PerCustomer: 1}
	if _, _, err := b.s.Create(t.Context(), store.Creation{Campaign: c, Vouchers: []voucher.Voucher{v}}); err != nil {
		t.Fatal(err)
	}
	return c.ID
}

func (b *books) apply(t *testing.T, commands ...store.Command) []store.Outcome {
	t.Helper()
	outcomes, err := b.s.Apply(t.Context(), commands)
	if err != nil {
		t.Fatal(err)
	}
	for i, o := range outcomes {
		if o.Refusal != nil {
			t.Fatalf("command %d: %v", i, o.Refusal)
		}
	}
	return outcomes
}

func (b *books) exec(t *testing.T, sql string) {
	t.Helper()
	if _, err := b.conn.Exec(t.Context(), sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// tables are all whose rows the audit reads.
var tables = []string{"campaign", "voucher", "wallet", "account", "transfer", "redemption", "rollback", "post"}

// unguard takes the constraints on values away, as a defect or a broken disk would, and keeps a copy of the
// rows for restore.
func (b *books) unguard(t *testing.T) {
	t.Helper()
	b.exec(t, `DO $$ DECLARE c record; BEGIN
		FOR c IN SELECT conname, conrelid::regclass AS of FROM pg_constraint WHERE contype = 'c' AND connamespace = 'public'::regnamespace LOOP
			EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', c.of, c.conname);
		END LOOP; END $$`)
	b.exec(t, "CREATE SCHEMA saved")
	for _, table := range tables {
		b.exec(t, "CREATE TABLE saved."+table+" AS TABLE public."+table)
	}
}

func (b *books) restore(t *testing.T) {
	t.Helper()
	for _, table := range tables {
		b.exec(t, "DELETE FROM public."+table+"; INSERT INTO public."+table+" TABLE saved."+table)
	}
}

func (b *books) audit(t *testing.T) (found []store.Finding, read store.Audited) {
	t.Helper()
	read, err := b.s.Audit(t.Context(), func(f store.Finding) { found = append(found, f) })
	if err != nil {
		t.Fatal(err)
	}
	return found, read
}

// tampering is one way to break the books, and what the audit must say of it.
type tampering struct{ name, sql, check, id string }

func tamperings() []tampering {
	const (
		salam  = " WHERE code_key = 'SALAM'"
		bita   = " WHERE customer = 'customer-2' AND currency = 'IRR'"
		first  = bita + " AND seq = 1"
		nobody = "00000000-0000-7000-8000-000000000000"
	)
	return []tampering{
		{"a voucher's counter too high", "UPDATE voucher SET redeemed = 5" + salam, store.CheckCounter, "voucher"},
		{"a voucher's counter too low", "UPDATE voucher SET redeemed = 3" + salam, store.CheckCounter, "voucher"},
		{"a campaign's counter", "UPDATE campaign SET redeemed = 9 WHERE name = 'salam'", store.CheckCounter, "campaign"},
		{"a campaign's money", "UPDATE campaign SET given = given + 1 WHERE name = 'salam'", store.CheckCounter, "campaign"},
		{"a limit below the redemptions", "UPDATE voucher SET max_uses = 3" + salam, store.CheckLimit, "voucher"},
		{"a budget below what is given", "UPDATE campaign SET budget_amount = 1 WHERE name = 'salam'", store.CheckLimit, "campaign"},
		{"a budget below the redemptions", "UPDATE campaign SET budget_count = 1 WHERE name = 'salam'", store.CheckLimit, "campaign"},
		{
			"a customer who won twice", "UPDATE redemption SET customer = 'customer-1', slot = 2 WHERE customer = 'customer-2'",
			store.CheckOncePerLimit, "voucher",
		},
		{"a slot of a redemption that stands", "UPDATE redemption SET slot = -1 WHERE customer = 'customer-2'", store.CheckOncePerLimit, "redemption of customer-2"},
		{"a slot of one that was given back", "UPDATE redemption SET slot = -9 WHERE customer = 'customer-3'", store.CheckOncePerLimit, "redemption of customer-3"},
		{"a rank given twice", "UPDATE redemption SET rank = 1 WHERE customer = 'customer-2'", store.CheckRank, "voucher"},
		{"a rank left out", "UPDATE redemption SET rank = 6 WHERE rank = 5", store.CheckRank, "voucher"},
		{"ranks given to nobody", "UPDATE voucher SET ranked = 9" + salam, store.CheckRank, "voucher"},
		{"a redemption without its entry", "DELETE FROM transfer" + first, store.CheckTransfer, "redemption of customer-2"},
		{"an entry without its redemption", "DELETE FROM redemption WHERE customer = 'customer-2'", store.CheckTransfer, "entry of customer-2"},
		{"a redemption of another amount", "UPDATE redemption SET amount = 1 WHERE customer = 'customer-2'", store.CheckTransfer, "redemption of customer-2"},
		{"a redemption of somebody else", "UPDATE redemption SET customer = 'somebody' WHERE customer = 'customer-2'", store.CheckTransfer, "redemption of customer-2"},
		{"a redemption of another time", "UPDATE redemption SET at = at + interval '1 hour' WHERE customer = 'customer-2'", store.CheckTransfer, "redemption of customer-2"},
		{"a redemption of another campaign's money", "UPDATE transfer SET campaign_id = '" + nobody + "'" + first, store.CheckTransfer, "redemption of customer-2"},
		{"a redemption that went to the merchant", "UPDATE transfer SET credit_kind = 3" + first, store.CheckTransfer, "redemption of customer-2"},
		{"a rollback that is gone", "DELETE FROM rollback", store.CheckTransfer, "redemption of customer-3"},
		{"an entry without its rollback", "DELETE FROM rollback", store.CheckTransfer, "entry of the rollback"},
		{"a rollback without its entry", "DELETE FROM transfer WHERE kind = 2", store.CheckTransfer, "rollback"},
		{"a rollback of another amount", "UPDATE transfer SET amount = 1 WHERE kind = 2", store.CheckTransfer, "rollback"},
		{
			"a rollback of another time", "UPDATE rollback SET at = at + interval '1 hour'; UPDATE redemption SET rolled_back_at = rolled_back_at + interval '1 hour'",
			store.CheckTransfer, "rollback",
		},
		{"a rollback that its redemption knows not", "UPDATE redemption SET rolled_back_at = NULL, rollback_id = NULL, slot = 1 WHERE slot < 0", store.CheckTransfer, "rollback"},
		{"a credit without its posting", "DELETE FROM post WHERE kind = 3", store.CheckTransfer, "credit"},
		{"a debit without its entry", "DELETE FROM transfer WHERE kind = 4", store.CheckTransfer, "debit"},
		{"a receipt that nobody sent", "UPDATE post SET to_seq = 9 WHERE kind = 5", store.CheckTransfer, "transfer_out"},
		{"something sent that nobody received", "DELETE FROM transfer WHERE kind = 6", store.CheckTransfer, "transfer_out"},
		{"a wallet that holds more", "UPDATE wallet SET balance = balance + 1" + bita, store.CheckBalance, "customer-2 IRR"},
		{"a wallet that counts more", "UPDATE wallet SET seq = seq + 1" + bita, store.CheckBalance, "customer-2 IRR"},
		{"a wallet that is gone", "DELETE FROM wallet" + bita, store.CheckBalance, "customer-2 IRR"},
		{"a wallet from nowhere", "INSERT INTO wallet VALUES ('nobody', 'IRR', 0, 0)", store.CheckBalance, "nobody IRR"},
		{"a campaign that gave more", "UPDATE campaign SET given = given + 1 WHERE name = 'salam'", store.CheckBalance, "campaign"},
		{"entries of no campaign", "DELETE FROM campaign WHERE name = 'salam'", store.CheckBalance, "campaign"},
		{"an account that holds less", "UPDATE account SET balance = balance - 1 WHERE kind = 3", store.CheckBalance, "merchant account, IRR"},
		{"an account from nowhere", "INSERT INTO account VALUES (4, 'IRR', 7)", store.CheckBalance, "expired account, IRR"},
		{"an account that is gone", "DELETE FROM account WHERE kind = 5", store.CheckBalance, "external account, IRR"},
		{"a wallet below zero", "UPDATE wallet SET balance = -1" + bita, store.CheckFloor, "customer-2 IRR"},
		{"an entry below zero", "UPDATE transfer SET balance = -1" + first, store.CheckFloor, "entry of customer-2"},
		{"an entry that is left out", "UPDATE transfer SET seq = 3" + first, store.CheckSequence, "entry of customer-2"},
		{"a balance that does not follow", "UPDATE transfer SET balance = 7" + first, store.CheckSequence, "entry of customer-2"},
		{"money from nowhere", "UPDATE wallet SET balance = balance + 1" + bita, store.CheckZeroSum, "IRR"},
		{"money that hangs between two wallets", "UPDATE account SET balance = 1 WHERE kind = 6", store.CheckZeroSum, "clearing account, IRR"},
		{"a voucher that is gone", "DELETE FROM voucher", store.CheckFile, "redemption of customer-2"},
		{"a voucher of no campaign", "DELETE FROM campaign", store.CheckFile, "voucher"},
		{"a redemption of two campaigns", "UPDATE redemption SET campaign_id = '" + nobody + "' WHERE customer = 'customer-2'", store.CheckFile, "redemption of customer-2"},
		{"numbers beyond 64 bits", "UPDATE wallet SET balance = 9223372036854775807", store.CheckZeroSum, "IRR"},
	}
}

// Each way of tampering is found, by the invariant that it breaks and on the object that it breaks it on.
//
//nolint:tparallel // one database, one tampering at a time
func TestAuditFindsWhatIsWrong(t *testing.T) {
	t.Parallel()
	b := newBooks(t)
	found, read := b.audit(t)
	want := store.Audited{Campaigns: 2, Vouchers: 2, Redemptions: 6, Rollbacks: 1, Wallets: 5, Transfers: 11}
	if len(found) != 0 || read != want {
		t.Fatalf("before: %+v and %+v, want %+v and nothing found", read, found, want)
	}
	b.unguard(t)
	for _, tc := range tamperings() {
		t.Run(tc.name, func(t *testing.T) {
			b.exec(t, tc.sql)
			found, read := b.audit(t)
			b.restore(t)
			object := tc.id
			if known := b.ids[tc.id]; known != "" {
				object = known
			}
			if !slices.ContainsFunc(found, func(f store.Finding) bool { return f.Check == tc.check && f.ID == object && f.Detail != "" }) {
				t.Errorf("want a finding of %s on %s, got %+v", tc.check, object, found)
			}
			if read.Findings != int64(len(found)) {
				t.Errorf("%d findings are counted, %d were told", read.Findings, len(found))
			}
		})
	}
	if found, _ := b.audit(t); len(found) != 0 {
		t.Errorf("after: %+v", found)
	}
}

// What PostgreSQL holds for exactness is missed when it is gone or out of force.
func TestAuditMissesIndexesAndConstraints(t *testing.T) {
	t.Parallel()
	b := newBooks(t)
	b.exec(t, "DROP INDEX redemption_of_voucher")
	b.exec(t, "ALTER TABLE idempotency DROP CONSTRAINT idempotency_pkey")
	b.exec(t, "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'post_received'::regclass") // as a REINDEX CONCURRENTLY that failed
	b.exec(t, "ALTER TABLE wallet DROP CONSTRAINT wallet_balance_check, ADD CONSTRAINT wallet_balance_check CHECK (balance >= 0) NOT VALID")
	found, _ := b.audit(t)
	var names []string
	for _, f := range found {
		if f.Check != store.CheckFile || f.Detail == "" {
			t.Errorf("unexpected: %+v", f)
		}
		names = append(names, f.ID)
	}
	slices.Sort(names)
	want := []string{"idempotency_pkey", "post_received", "redemption_of_voucher", "wallet.wallet_balance_check"}
	if !slices.Equal(names, want) {
		t.Errorf("got %v, want %v", names, want)
	}
}

// Where amcheck is there, an index that lost an entry is found by its name.
func TestAuditLooksIntoIndexes(t *testing.T) {
	t.Parallel()
	b := newBooks(t)
	if _, err := b.conn.Exec(t.Context(), "CREATE EXTENSION amcheck"); err != nil {
		t.Skip("this PostgreSQL comes without amcheck: ", err)
	}
	if found, _ := b.audit(t); len(found) != 0 {
		t.Fatalf("before: %+v", found)
	}
	// A row that is written while its index is hidden from the server is missing in it afterwards.
	b.exec(t, "UPDATE pg_index SET indisready = false, indisvalid = false WHERE indexrelid = 'redemption_by_id'::regclass")
	b.apply(t, &store.Redeem{ID: id.New(time.Now()), Code: "OFF", Customer: "customer-9", Order: &voucher.Order{AmountMinor: 900, Currency: "IRR"}})
	b.exec(t, "UPDATE pg_index SET indisready = true, indisvalid = true WHERE indexrelid = 'redemption_by_id'::regclass")
	found, _ := b.audit(t)
	if len(found) != 1 || found[0].Check != store.CheckFile || found[0].ID != "redemption_by_id" {
		t.Errorf("want one finding on redemption_by_id, got %+v", found)
	}
}

// An audit reads one moment, beside writers that go on, and writes nothing.
func TestAuditBesideWriters(t *testing.T) {
	t.Parallel()
	b := newBooks(t)
	done := make(chan error, 1)
	go func() {
		for range 60 {
			_, err := b.s.Apply(t.Context(), []store.Command{
				&store.Post{ID: id.New(time.Now()), Kind: ledger.Credit, Customer: "customer-1", Currency: "IRR", AmountMinor: 5},
				&store.Post{ID: id.New(time.Now()), Kind: ledger.TransferOut, Customer: "customer-1", To: "customer-4", Currency: "IRR", AmountMinor: 5},
			})
			if err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	for audits := 0; ; audits++ {
		if found, _ := b.audit(t); len(found) != 0 {
			t.Fatalf("audit %d: %+v", audits, found)
		}
		select {
		case err := <-done:
			if err != nil {
				t.Fatal(err)
			}
			return
		default:
		}
	}
}
