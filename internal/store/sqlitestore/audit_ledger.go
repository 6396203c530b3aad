package sqlitestore

import (
	"fmt"

	"scrip/internal/id"
	"scrip/internal/ledger"
	"scrip/internal/store"
)

// walletKey names a wallet by its row.
type walletKey struct {
	customerNo int64
	currency   string
}

// namedMax bounds the findings that look a customer's name up: each reads the whole table of customers, which is
// kept for the way from a name to a number.
const namedMax = 100

// customer names a customer for a finding.
func (a *auditor) customer(no int64) string {
	name := fmt.Sprintf("customer number %d", no)
	if a.seen.Findings >= namedMax {
		return name
	}
	if late, ok := a.late[no]; ok {
		return late
	}
	q := a.stmt("SELECT ref FROM customer WHERE no = ?").int(no)
	err := q.each(func() { name = q.nextText() })
	if err != nil && a.err == nil {
		a.err = err
	}
	return name
}

// name names a wallet for a finding.
func (a *auditor) name(k walletKey) string { return a.customer(k.customerNo) + " " + k.currency }

// entries reads every ledger entry once, wallet by wallet, in order: the numbers run without gaps, each
// balance follows from the one before, and the wallet stands where its last entry left it. On the way it
// adds up what each other account must hold.
func (a *auditor) entries() error {
	a.sums = make(map[int64]ledger.Sum)
	var at walletKey
	var seq, balance int64
	end := func() error {
		if at == (walletKey{}) {
			return nil
		}
		return a.wallet(at, seq, balance)
	}
	var failed error
	err := a.all("SELECT customer_no, currency, seq, id, debit, credit, amount, balance FROM transfer ORDER BY customer_no, currency, seq", func(q *stmt) {
		k := walletKey{q.nextInt(), q.nextText()}
		if k != at {
			if err := end(); err != nil && failed == nil {
				failed = err
			}
			at, seq, balance = k, 0, 0
		}
		n, entry, debit, credit, amount, after := q.nextInt(), q.nextID(), q.nextInt(), q.nextInt(), q.nextInt(), q.nextInt()
		if n != seq+1 {
			a.report(store.CheckSequence, entry.Format(id.Transaction), "%s: entry %d follows entry %d", a.name(k), n, seq)
		}
		switch {
		case credit == 0:
			balance += amount
		case debit == 0:
			balance -= amount
		}
		if balance != after {
			a.report(store.CheckSequence, entry.Format(id.Transaction), "%s: it leaves %d, but says %d", a.name(k), balance, after)
		}
		if after < 0 {
			a.report(store.CheckFloor, entry.Format(id.Transaction), "%s: it leaves %d", a.name(k), after)
		}
		seq, balance = n, after
		a.add(credit, amount)
		a.add(debit, -amount)
	})
	if err == nil {
		err = failed
	}
	if err == nil {
		err = end()
	}
	if err != nil {
		return err
	}
	return a.all(`SELECT w.customer_no, w.currency FROM wallet w LEFT JOIN transfer t
		ON t.customer_no = w.customer_no AND t.currency = w.currency AND t.seq = 1 WHERE t.id IS NULL`, func(q *stmt) {
		a.report(store.CheckBalance, a.name(walletKey{q.nextInt(), q.nextText()}), "a wallet without a ledger entry")
	})
}

// add counts an entry's side towards an account; 0 is the wallet, which is checked entry by entry.
func (a *auditor) add(account, minor int64) {
	if account != 0 {
		a.sums[account] = a.sums[account].Add(minor)
	}
}

// wallet compares a wallet with its last entry.
func (a *auditor) wallet(k walletKey, seq, balance int64) error {
	q := a.stmt("SELECT balance, seq FROM wallet WHERE customer_no = ? AND currency = ?").int(k.customerNo).text(k.currency)
	found, err := q.row()
	if err != nil {
		return err
	}
	if !found {
		a.report(store.CheckBalance, a.name(k), "its entries come to %d, but there is no such wallet", balance)
		return nil
	}
	gotBalance, gotSeq := q.nextInt(), q.nextInt()
	if gotBalance != balance || gotSeq != seq {
		a.report(store.CheckBalance, a.name(k), "it holds %d after %d entries; its entries come to %d after %d", gotBalance, gotSeq, balance, seq)
	}
	if gotBalance < 0 {
		a.report(store.CheckFloor, a.name(k), "it holds %d", gotBalance)
	}
	return q.done()
}

// accounts compares every account that is not a wallet with what its entries come to.
func (a *auditor) accounts() error {
	compare := func(no int64, name string, balance ledger.Sum) {
		if sum := a.sums[no]; sum != balance {
			a.report(store.CheckBalance, name, "the account holds %s, its entries come to %s", balance, sum)
		}
		delete(a.sums, no)
	}
	err := a.all("SELECT no, id, given FROM campaign", func(q *stmt) {
		no, campaign, given := q.nextInt(), q.nextID().Format(id.Campaign), q.nextInt()
		compare(-no, campaign, ledger.Sum{}.Add(-given))
	})
	if err != nil {
		return err
	}
	err = a.all("SELECT no, kind, currency, balance_hi, balance_lo FROM account", func(q *stmt) {
		no, kind, currency := q.nextInt(), ledger.AccountKind(q.nextInt()), q.nextText() //nolint:gosec // written from an AccountKind
		compare(no, fmt.Sprintf("%s account, %s", kind, currency), q.nextSum())
	})
	for no, sum := range a.sums {
		a.report(store.CheckBalance, fmt.Sprintf("account %d", no), "its entries come to %s, but there is no such account", sum)
	}
	return err
}

// zeroSum adds up all accounts of each currency.
func (a *auditor) zeroSum() error {
	sums := make(map[string]ledger.Sum)
	err := a.all("SELECT DISTINCT currency FROM wallet", func(q *stmt) { sums[q.nextText()] = ledger.Sum{} })
	if err != nil {
		return err
	}
	for currency := range sums { // to group them by currency would be to sort all wallets
		// Halves of 32 bits each, so that SQLite's own sum does not overflow.
		q := a.stmt("SELECT sum(balance >> 32), sum(balance & 4294967295) FROM wallet WHERE currency = ?").text(currency)
		if err := q.each(func() {
			high, low := q.nextInt(), q.nextInt()
			sums[currency] = ledger.Sum{Hi: high >> 32, Lo: uint64(high) << 32}.Add(low) //nolint:gosec // high * 2^32 in two's complement
		}); err != nil {
			return err
		}
	}
	err = a.all("SELECT currency, given FROM campaign", func(q *stmt) {
		currency := q.nextText()
		sums[currency] = sums[currency].Add(-q.nextInt())
	})
	if err != nil {
		return err
	}
	err = a.all("SELECT currency, balance_hi, balance_lo FROM account", func(q *stmt) {
		currency := q.nextText()
		sums[currency] = sums[currency].Plus(q.nextSum())
	})
	for currency, sum := range sums {
		if sum != (ledger.Sum{}) {
			a.report(store.CheckZeroSum, currency, "all accounts come to %s instead of 0", sum)
		}
	}
	return err
}
