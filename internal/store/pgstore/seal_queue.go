package pgstore

import (
	"github.com/jackc/pgx/v5/pgtype"

	"scrip/internal/store"
)

// addUnsealedQuery names transfers as unsealed, in the transaction that writes them.
const addUnsealedQuery = "INSERT INTO unsealed (n, refs) VALUES ($1, $2)"

// always is a column that has one value in all rows.
type always bool

func (always) appendTo(buf []byte) []byte { return arrayHead(buf, false, pgtype.BoolOID, 0, 0) }

func (a always) short() (column, any) { return a, bool(a) }

const refSize = 16 // bytes of a transfer's name, about

// refs names the transfers that the batch makes, in the order in which they stand.
func (m *made) refs() []byte {
	refs := make([]store.TransferRef, len(m.transfers))
	for i, t := range m.transfers {
		refs[i] = store.RefOf(t.Transfer)
	}
	return store.AppendRefs(make([]byte, 0, refSize*len(refs)), refs...)
}
