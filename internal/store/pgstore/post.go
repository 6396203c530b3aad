package pgstore

import (
	"fmt"

	"scrip/internal/fault"
	"scrip/internal/id"
	"scrip/internal/ledger"
	"scrip/internal/store"
)

// post moves money of one wallet.
func (w *working) post(c *store.Post, out *store.Outcome) error {
	if c.Again {
		if t, done := w.posts[owned{c.Customer, c.ID}]; done {
			out.Transfer, out.Replayed = &t, true
			return nil
		}
	}
	effect, found, refusal := w.replayed(c.Customer, c.Key, kindPost, c.Fingerprint)
	if refusal != nil {
		out.Refusal = refusal
		return nil
	}
	if found {
		t, known := w.posts[owned{c.Customer, effect}]
		if !known {
			return fmt.Errorf("a key's transaction %s is missing", effect.Format(id.Transaction))
		}
		out.Transfer, out.Replayed = &t, true
		return nil
	}
	p, transfers, refusal := w.postOf(c)
	if refusal != nil {
		out.Refusal = refusal
		return nil
	}
	if refusal, err := w.enter(id.ID{}, transfers...); refusal != nil || err != nil {
		out.Refusal = refusal
		return err
	}
	w.addPost(p.out)
	w.made.posts = append(w.made.posts, *p)
	w.remember(c.Customer, c.Key, kindPost, c.ID, c.Fingerprint)
	t := p.out
	out.Transfer = &t
	return nil
}

// postOf is a post as ledger entries, the customer's own first, or why it makes no sense.
func (w *working) postOf(c *store.Post) (*post, []*ledger.Transfer, *fault.Error) {
	between := c.Kind == ledger.TransferOut
	if c.AmountMinor <= 0 || between != (c.To != "") || c.To == c.Customer {
		return nil, nil, fault.ErrInvalidRequest
	}
	own, other := ledger.WalletOf(c.Customer, c.Currency), ledger.Account{Currency: c.Currency}
	t := ledger.Transfer{ID: c.ID, Customer: c.Customer, Currency: c.Currency, Kind: c.Kind, Amount: c.AmountMinor, At: w.now}
	switch c.Kind {
	case ledger.Credit:
		other.Kind = ledger.External
		t.Debit, t.Credit = other, own
	case ledger.Debit:
		other.Kind = ledger.Merchant
		t.Debit, t.Credit = own, other
	case ledger.TransferOut:
		other.Kind = ledger.Clearing
		t.Debit, t.Credit = own, other
	default: // made by other commands, or not by callers
		return nil, nil, fault.ErrInvalidRequest
	}
	p := &post{out: t}
	if !between {
		return p, []*ledger.Transfer{&p.out}, nil
	}
	t.Customer, t.Kind, t.Debit, t.Credit = c.To, ledger.TransferIn, other, ledger.WalletOf(c.To, c.Currency)
	p.in = t
	return p, []*ledger.Transfer{&p.out, &p.in}, nil
}
