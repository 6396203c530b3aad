package sqlitestore

import (
	"fmt"
	"maps"

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

// entries reads every ledger entry once, wallet by wallet, in order: the numbers run without gaps, and each
// balance follows from the one before. On the way it adds up what all wallets hold, and what each other account
// must hold.
func (a *auditor) entries() error {
	a.sums, a.held = make(map[int64]ledger.Sum), make(map[string]ledger.Sum)
	var at walletKey
	var seq, balance int64
	end := func() {
		if at != (walletKey{}) {
			a.seen.Wallets++
			a.held[at.currency] = a.held[at.currency].Add(balance)
		}
	}
	err := a.all("SELECT customer_no, currency, seq, id, debit, credit, amount, balance FROM transfer ORDER BY customer_no, currency, seq", func(q *stmt) {
		k := walletKey{q.nextInt(), q.nextText()}
		if k != at {
			end()
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
		end()
	}
	return err
}

// add counts an entry's side towards an account; 0 is the wallet, which is checked entry by entry.
func (a *auditor) add(account, minor int64) {
	if account != 0 {
		a.sums[account] = a.sums[account].Add(minor)
	}
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
	sums := maps.Clone(a.held)
	err := a.all("SELECT currency, given FROM campaign", func(q *stmt) {
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
