package httpapi

import (
	"scrip/internal/id"
	"scrip/internal/ledger"
	"scrip/internal/money"
)

func (s *server) getWallet(x *exchange) error {
	if _, err := x.query(); err != nil {
		return err
	}
	ctx, cancel := x.reading()
	defer cancel()
	customer, balances, err := s.svc.Wallets.Wallet(ctx, x.r.PathValue("customer"))
	if err != nil {
		return err
	}
	x.out = append(x.out, `{"object":"wallet","customer":`...)
	x.out = appendText(x.out, customer)
	x.out = append(x.out, `,"balances":[`...)
	for i, b := range balances {
		if i > 0 {
			x.out = append(x.out, ',')
		}
		x.out = appendMoney(x.out, b.Minor, b.Currency)
	}
	x.out = append(x.out, `]}`...)
	return nil
}

func (s *server) listTransactions(x *exchange) error {
	q, page, err := x.pageQuery(id.Transaction, "currency")
	if err != nil {
		return err
	}
	currency := s.cfg.Currency
	if text, ok := q.get("currency"); ok {
		if currency, err = money.ParseCurrency(text); err != nil {
			return err
		}
	}
	ctx, cancel := x.reading()
	defer cancel()
	ts, more, err := s.svc.Wallets.Transactions(ctx, x.r.PathValue("customer"), currency, page)
	if err != nil {
		return err
	}
	x.out = appendList(x.out, ts, more, appendTransaction)
	return nil
}

func appendTransaction(dst []byte, t *ledger.Transfer) []byte {
	dst = append(dst, `{"id":`...)
	dst = appendID(dst, id.Transaction, t.ID)
	dst = append(dst, `,"object":"transaction","customer":`...)
	dst = appendText(dst, t.Customer)
	dst = append(dst, `,"kind":"`...)
	dst = append(dst, t.Kind.String()...)
	dst = append(dst, `","amount":`...)
	dst = appendInt(dst, t.Delta())
	dst = append(dst, `,"currency":"`...)
	dst = append(dst, t.Currency...)
	dst = append(dst, `","debit":`...)
	dst = appendAccount(dst, t.Debit)
	dst = append(dst, `,"credit":`...)
	dst = appendAccount(dst, t.Credit)
	dst = append(dst, `,"balance":`...)
	dst = appendInt(dst, t.Balance)
	dst = append(dst, `,"sequence":`...)
	dst = appendInt(dst, t.Seq)
	dst = append(dst, `,"created_at":`...)
	dst = appendTime(dst, t.At)
	// A ledger entry has the id of what caused it.
	switch t.Kind {
	case ledger.Redemption:
		dst = append(dst, `,"redemption":`...)
		dst = appendID(dst, id.Redemption, t.ID)
	case ledger.Rollback:
		dst = append(dst, `,"rollback":`...)
		dst = appendID(dst, id.Rollback, t.ID)
	case ledger.Credit, ledger.Debit, ledger.TransferOut, ledger.TransferIn, ledger.Expiry:
	}
	return append(dst, '}')
}

func appendAccount(dst []byte, a ledger.Account) []byte {
	dst = append(dst, `{"kind":"`...)
	dst = append(dst, a.Kind.String()...)
	dst = append(dst, '"')
	if a.Owner != "" {
		dst = append(dst, `,"owner":`...)
		dst = appendText(dst, a.Owner)
	}
	return append(dst, '}')
}
