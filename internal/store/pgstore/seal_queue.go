package pgstore

import (
	"github.com/jackc/pgx/v5/pgtype"

	"scrip/internal/ledger"
	"scrip/internal/store"
)

// addUnsealedQuery names transfers as unsealed, in the transaction that writes them.
const addUnsealedQuery = "INSERT INTO unsealed (id, n, refs) VALUES ($1, $2, $3)"

// always is a column that has one value in all rows.
type always bool

func (always) appendTo(buf []byte) []byte { return arrayHead(buf, false, pgtype.BoolOID, 0, 0) }

func (a always) short() (column, any) { return a, bool(a) }

// committed are the transfers that the batch has made, in the same order.
func (m *made) committed() []ledger.Transfer {
	ts := make([]ledger.Transfer, len(m.transfers))
	for i, t := range m.transfers {
		ts[i] = *t.Transfer
	}
	return ts
}

// refs names the transfers that the batch makes, in the order in which they stand.
func (m *made) refs() []byte {
	refs := make([]store.TransferRef, len(m.transfers))
	for i, t := range m.transfers {
		refs[i] = store.RefOf(t.Transfer)
	}
	return store.AppendRefs(nil, refs...)
}
