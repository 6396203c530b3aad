package sqlitestore

import (
	"errors"

	"scrip/internal/fault"
	"scrip/internal/id"
	"scrip/internal/ledger"
	"scrip/internal/money"
	"scrip/internal/store"
)

// post moves money of one wallet.
func (w *writer) post(c *store.Post, out *store.Outcome) error {
	if c.Again {
		done, err := w.replayPost(c.Customer, c.ID, out)
		if done || err != nil {
			return err
		}
	}
	customerNo, err := w.customerNo(c.Customer)
	if err != nil {
		return err
	}
	if c.Key != "" && customerNo != 0 {
		used, err := w.replayedKey(customerNo, c.Key, kindPost, c.Fingerprint, out)
		if err != nil || out.Refusal != nil {
			return err
		}
		if used != nil {
			_, err := w.replayPost(c.Customer, used.id, out)
			return err
		}
	}
	t := ledger.Transfer{ID: c.ID, Customer: c.Customer, Currency: c.Currency, Kind: c.Kind, Amount: c.AmountMinor, At: w.now}
	own := ledger.WalletOf(c.Customer, c.Currency)
	switch c.Kind {
	case ledger.Credit:
		t.Debit, t.Credit = other(ledger.External, c.Currency), own
	case ledger.Debit:
		t.Debit, t.Credit = own, other(ledger.Merchant, c.Currency)
	case ledger.TransferOut:
		t.Debit, t.Credit = own, other(ledger.Clearing, c.Currency)
	default:
		out.Refusal = fault.ErrInvalidRequest
		return nil
	}
	if !t.Sound() || (c.Kind == ledger.TransferOut) != (c.To != "") || c.To == c.Customer {
		out.Refusal = fault.ErrInvalidRequest
		return nil
	}
	return w.postTransfer(c, customerNo, &t, out)
}

func other(k ledger.AccountKind, c money.Currency) ledger.Account {
	return ledger.Account{Kind: k, Currency: c}
}

func (w *writer) postTransfer(c *store.Post, customerNo int64, t *ledger.Transfer, out *store.Outcome) error {
	from, err := w.purse(c.Customer, customerNo, c.Currency)
	if err != nil {
		return err
	}
	var refusal *fault.Error
	if t.Balance, refusal = t.Apply(from.balance); refusal != nil {
		out.Refusal = refusal
		return nil
	}
	t.Seq = from.seq + 1
	var to purse
	var in ledger.Transfer
	if c.Kind == ledger.TransferOut {
		toNo, err := w.customerNo(c.To)
		if err != nil {
			return err
		}
		if to, err = w.purse(c.To, toNo, c.Currency); err != nil {
			return err
		}
		in = ledger.Transfer{
			ID: c.ID, Customer: c.To, Currency: c.Currency, Seq: to.seq + 1, Kind: ledger.TransferIn,
			Debit: other(ledger.Clearing, c.Currency), Credit: ledger.WalletOf(c.To, c.Currency), Amount: c.AmountMinor, At: w.now,
		}
		if in.Balance, refusal = in.Apply(to.balance); refusal != nil {
			out.Refusal = refusal
			return nil
		}
	}
	if err := w.write(&from, t, nil); err != nil {
		return err
	}
	if c.Kind == ledger.TransferOut {
		if err := w.write(&to, &in, nil); err != nil {
			return err
		}
	}
	if err := w.addPost.id(c.ID).int(int64(c.Kind)).int(from.no).text(string(c.Currency)).int(t.Seq).int(to.no).int(in.Seq).exec(); err != nil {
		return err
	}
	if c.Key != "" {
		if err := w.writeKey(from.no, c.Key, kindPost, c.ID, c.Fingerprint, ""); err != nil {
			return err
		}
	}
	out.Transfer = t
	return nil
}

// replayPost answers with a post that is there already, and reports whether it is.
func (w *writer) replayPost(customer string, post id.ID, out *store.Outcome) (bool, error) {
	found, err := w.getPost.id(post).row()
	if err != nil || !found {
		return false, err
	}
	no, currency, seq := w.getPost.nextInt(), money.Currency(w.getPost.nextText()), w.getPost.nextInt()
	if err := w.getPost.done(); err != nil {
		return false, err
	}
	q := &w.findTransfer
	if found, err = q.int(no).text(string(currency)).int(seq).row(); err != nil {
		return false, err
	}
	if !found {
		return false, errors.New("a post has no ledger entry")
	}
	t := q.nextTransfer(customer, currency)
	out.Transfer, out.Replayed = &t, true
	return true, q.done()
}

// usedKey is what stands beside an Idempotency-Key.
type usedKey struct {
	id       id.ID
	snapshot string
}

// replayedKey looks a key up: nil if it is free, or it is used by another request, which refuses;
// otherwise what it was used for, and out is marked as a replay.
func (w *writer) replayedKey(customerNo int64, key string, kind int64, fp store.Fingerprint, out *store.Outcome) (*usedKey, error) {
	q := &w.findKey
	found, err := q.int(customerNo).text(key).row()
	if err != nil || !found {
		return nil, err
	}
	wasKind := q.nextInt()
	used := &usedKey{id: q.nextID()}
	wasFor := store.Fingerprint(q.nextFingerprint())
	used.snapshot = q.nextText()
	if err := q.done(); err != nil {
		return nil, err
	}
	if wasKind != kind || wasFor != fp {
		out.Refusal = fault.ErrKeyReused
		return nil, nil //nolint:nilnil // the refusal is the answer
	}
	out.Replayed = true
	return used, nil
}

func (w *writer) writeKey(customerNo int64, key string, kind int64, effect id.ID, fp store.Fingerprint, snapshot string) error {
	return w.addKey.int(customerNo).text(key).int(kind).id(effect).bytes(fp[:]).text(snapshot).exec()
}
