package sqlitestore

import (
	"errors"
	"slices"

	"scrip/internal/ledger"
	"scrip/internal/money"
	"scrip/internal/store"
)

// flushUnsealed remembers what the transaction wrote, in rows of no more than store.SealRowMax: a batch is one.
func (w *writer) flushUnsealed() error {
	for left := range slices.Chunk(w.unsealed, store.SealRowMax) {
		refs := make([]store.TransferRef, len(left))
		for i := range left {
			refs[i] = store.RefOf(&left[i])
		}
		if err := w.addUnsealed.int(w.now.UnixMicro()).int(int64(len(left))).int(0).bytes(store.AppendRefs(nil, refs...)).exec(); err != nil {
			return err
		}
		if w.named == nil {
			w.named = make(map[int64][]ledger.Transfer)
		}
		w.named[w.conn.LastInsertRowID()] = left
	}
	return nil
}

// picked is what a seal is made of, and what must be done so that it waits no longer.
type picked struct {
	transfers []*ledger.Transfer
	more      bool // there is another seal's worth, or there may be

	rows      []int64             // of unsealed
	garbled   []int64             // those that can't be read
	lost      []store.TransferRef // what they name and is not there
	unqueued  []store.TransferRef // what a copy brought
	backfill  *store.TransferRef  // the last transfer from before there were seals
	completed bool                // there are no more such transfers
}

func (p *picked) empty() bool {
	return len(p.transfers) == 0 && len(p.rows) == 0 && len(p.garbled) == 0 && !p.completed
}

// pick finds what a seal of at most max transfers is made of: at first what was written before there were seals, and
// only then all else.
func (r *reader) pick(known *recent, most int) (*picked, error) {
	q := r.stmt("SELECT backfilled, customer, currency, seq FROM sealing")
	found, err := q.row()
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, errors.New("the row of the table sealing is missing; restore a backup")
	}
	backfilled := q.nextBool()
	at := store.TransferRef{Customer: q.nextText(), Currency: money.Currency(q.nextText()), Seq: q.nextInt()}
	if err := q.done(); err != nil {
		return nil, err
	}
	if !backfilled {
		return r.pickOld(at, most)
	}
	p := &picked{}
	if err := r.pickUnnamed(p, most); err != nil {
		return nil, err
	}
	err = r.pickNamed(p, known, most-len(p.transfers))
	return p, err
}

// pickUnnamed picks what a copy brought unsealed.
func (r *reader) pickUnnamed(p *picked, most int) error {
	if there, err := count(r.stmt("SELECT EXISTS (SELECT 1 FROM transfer WHERE queued = 0)")); err != nil || there == 0 {
		return err
	}
	q := r.stmt("SELECT u.ref, t.currency," + transferColumns + "FROM customer u CROSS JOIN transfer t ON t.customer_no = u.no" + transferSides +
		"WHERE t.queued = 0 ORDER BY u.ref, t.currency, t.seq LIMIT ?").int(int64(most + 1))
	err := q.each(func() {
		t := q.nextTransfer(q.nextText(), money.Currency(q.nextText()))
		if len(p.transfers) == most {
			p.more = true
			return
		}
		p.transfers, p.unqueued = append(p.transfers, &t), append(p.unqueued, store.RefOf(&t))
	})
	return err
}

// transferSides finds what the sides of a ledger entry belong to.
const transferSides = ` LEFT JOIN account d ON d.no = t.debit LEFT JOIN campaign dc ON dc.no = -t.debit
	LEFT JOIN account k ON k.no = t.credit LEFT JOIN campaign kc ON kc.no = -t.credit `

// behindPlace takes a customer three times, a currency twice and a number.
const behindPlace = " u.ref >= ? AND (u.ref > ? OR t.currency > ? OR t.currency = ? AND t.seq > ?) "

func (q *stmt) place(at store.TransferRef) *stmt {
	return q.text(at.Customer).text(at.Customer).text(string(at.Currency)).text(string(at.Currency)).int(at.Seq)
}

// pickOld picks what was written before there were seals, behind a place.
func (r *reader) pickOld(at store.TransferRef, most int) (*picked, error) {
	p := &picked{more: true}
	q := r.stmt("SELECT u.ref, t.currency," + transferColumns + "FROM customer u CROSS JOIN transfer t ON t.customer_no = u.no" + transferSides +
		"WHERE" + behindPlace + "AND t.queued IS NULL ORDER BY u.ref, t.currency, t.seq LIMIT ?").place(at).int(int64(most))
	err := q.each(func() {
		t := q.nextTransfer(q.nextText(), money.Currency(q.nextText()))
		p.transfers = append(p.transfers, &t)
	})
	if n := len(p.transfers); n > 0 {
		last := store.RefOf(p.transfers[n-1])
		p.backfill = &last
	}
	p.completed = len(p.transfers) < most
	return p, err
}

// pickNamed picks what was named as unsealed, in the order of commits.
func (r *reader) pickNamed(p *picked, known *recent, most int) error {
	var refs []store.TransferRef // those that must be read
	taken := 0
	var bad error
	q := r.stmt("SELECT no, n, refs FROM unsealed WHERE lost = 0 ORDER BY no LIMIT ?").int(int64(most + 1))
	for {
		found, err := q.row()
		if err != nil {
			return err
		}
		if !found {
			break
		}
		no, n, list := q.nextInt(), q.nextInt(), q.nextBytes()
		if taken+len(p.transfers) > 0 && taken+int(n) > most {
			p.more = true
			bad = q.done()
			break
		}
		named, err := store.ParseRefs(list)
		if err != nil {
			p.garbled = append(p.garbled, no)
			continue
		}
		taken, p.rows = taken+len(named), append(p.rows, no)
		if ts := known.named(no, named); ts != nil {
			p.transfers = store.AppendPointers(p.transfers, ts)
		} else {
			refs = append(refs, named...)
		}
	}
	accounts := sides{}
	for _, ref := range refs {
		t, there, err := r.transfer(ref, accounts)
		switch {
		case err != nil:
			return err
		case there:
			p.transfers = append(p.transfers, &t)
		default:
			p.lost = append(p.lost, ref)
		}
	}
	return bad
}

// transfer is a ledger entry, if it is there. Ledger entries are read here by the ten thousand, and few sides occur in
// all of them: those are looked up once, which halves the cost of an entry.
func (r *reader) transfer(ref store.TransferRef, known sides) (t ledger.Transfer, there bool, err error) {
	no, err := r.customerNo(ref.Customer)
	if err != nil || no == 0 {
		return t, false, err
	}
	q := r.stmt("SELECT id, seq, kind, debit, credit, amount, balance, at FROM transfer WHERE customer_no = ? AND currency = ? AND seq = ?").
		int(no).text(string(ref.Currency)).int(ref.Seq)
	if there, err = q.row(); err != nil || !there {
		return t, false, err
	}
	t = ledger.Transfer{
		ID: q.nextID(), Customer: ref.Customer, Currency: ref.Currency,
		Seq:  q.nextInt(),
		Kind: ledger.Kind(q.nextInt()), //nolint:gosec // written from a Kind
	}
	debit, credit := q.nextInt(), q.nextInt()
	t.Amount, t.Balance, t.At = q.nextInt(), q.nextInt(), q.nextTime()
	if err := q.done(); err != nil {
		return t, false, err
	}
	if t.Debit, err = r.side(debit, ref, known); err != nil {
		return t, false, err
	}
	t.Credit, err = r.side(credit, ref, known)
	return t, err == nil, err
}

// sides are what the numbers of debits and credits stand for, but for a customer's own wallet, without their
// currency. They never change.
type sides map[int64]ledger.Account

// side is the account that a number stands for in a customer's ledger entry.
func (r *reader) side(no int64, of store.TransferRef, known sides) (ledger.Account, error) {
	if no == 0 {
		return ledger.WalletOf(of.Customer, of.Currency), nil
	}
	a, ok := known[no]
	if !ok {
		q := r.stmt("SELECT d.kind, dc.id FROM (SELECT ? AS no) n LEFT JOIN account d ON d.no = n.no LEFT JOIN campaign dc ON dc.no = -n.no").int(no)
		if err := q.each(func() {
			kind, campaign := q.nextInt(), q.nextID()
			a = ledger.Account{Kind: ledger.AccountKind(kind)} //nolint:gosec // written from an AccountKind
			if no < 0 {
				a = ledger.FundingOf(campaign, "")
			}
		}); err != nil {
			return a, err
		}
		known[no] = a
	}
	a.Currency = of.Currency
	return a, nil
}

// writeSeal writes a seal, if there is one, and takes what was picked from what waits. What is not there, and what
// can't be read, waits for ever, for somebody who verifies to find.
func (w *writer) writeSeal(made *store.Seal, p *picked) error {
	if made != nil {
		if err := w.stmt(addSealQuery).seal(made).exec(); err != nil {
			return err
		}
	}
	for _, no := range p.rows {
		if err := w.stmt("DELETE FROM unsealed WHERE no = ?").int(no).execOne(w.conn); err != nil {
			return err
		}
	}
	for _, no := range p.garbled {
		if err := w.stmt("UPDATE unsealed SET lost = 1 WHERE no = ?").int(no).execOne(w.conn); err != nil {
			return err
		}
	}
	if len(p.lost) > 0 {
		err := w.addUnsealed.int(w.now.UnixMicro()).int(int64(len(p.lost))).int(1).bytes(store.AppendRefs(nil, p.lost...)).exec()
		if err != nil {
			return err
		}
	}
	for _, ref := range p.unqueued {
		err := w.stmt(`UPDATE transfer SET queued = 1 WHERE customer_no = (SELECT no FROM customer WHERE ref = ?) AND currency = ? AND seq = ?`).
			text(ref.Customer).text(string(ref.Currency)).int(ref.Seq).execOne(w.conn)
		if err != nil {
			return err
		}
	}
	if at := p.backfill; at != nil {
		if err := w.stmt("UPDATE sealing SET customer = ?, currency = ?, seq = ?").text(at.Customer).text(string(at.Currency)).int(at.Seq).execOne(w.conn); err != nil {
			return err
		}
	}
	if p.completed {
		return w.stmt("UPDATE sealing SET backfilled = 1").execOne(w.conn)
	}
	return nil
}

const addSealQuery = `INSERT INTO seal (number, previous, count, total, root, members_hash, at, hash, members)
	VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`

// seal binds all of a seal, in the order of addSealQuery.
func (q *stmt) seal(s *store.Seal) *stmt {
	return q.int(s.Number).bytes(s.Previous[:]).int(s.Count).int(s.Total).bytes(s.Root[:]).bytes(s.MembersHash[:]).
		int(s.At.UnixMicro()).bytes(s.Hash[:]).bytes(s.Members)
}
