package pgstore

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"scrip/internal/id"
	"scrip/internal/store"
)

// Arrays of a batch, one per column of a statement, as the server's binary format has them. They are encoded
// without a step through reflection for each element: a batch of a thousand redemptions has some forty
// thousand of them.

// column is an array parameter that encodes itself.
type column interface {
	// appendTo appends the array in PostgreSQL's binary format.
	appendTo(buf []byte) []byte
	// short is the column and nothing, or, where all its elements are the same, an empty one and that element.
	short() (column, any)
}

type (
	texts        []string
	bigints      []int64
	smallints    []int16
	uids         []id.ID     // a zero id is null
	instants     []time.Time // a zero time is null
	fingerprints []store.Fingerprint
)

func (c texts) short() (column, any)        { return shortened(c) }
func (c bigints) short() (column, any)      { return shortened(c) }
func (c smallints) short() (column, any)    { return shortened(c) }
func (c fingerprints) short() (column, any) { return c, nil }

func (c uids) short() (column, any) {
	if s, same := shortened(c); same != nil {
		if c[0].IsZero() {
			return s, nil
		}
		return s, [16]byte(c[0])
	}
	return c, nil
}

func (c instants) short() (column, any) {
	if s, same := shortened(c); same != nil {
		if c[0].IsZero() {
			return s, nil
		}
		return s, c[0]
	}
	return c, nil
}

func shortened[C interface {
	~[]E
	column
}, E comparable](c C,
) (column, any) {
	for i := range c {
		if c[i] != c[0] {
			return c, nil
		}
	}
	if len(c) == 0 {
		return c, nil
	}
	return c[:0], c[0]
}

// insertRows is a statement that inserts rows which come as columns, named and typed like "customer text". The
// first column is whole; of each other one there are two parameters, as column.short gives them: of a crowd's
// thousand redemptions most columns are the same in all rows, and need neither be sent nor be unpacked a
// thousand times.
func insertRows(table string, columns ...string) string {
	var values, arrays, names []string
	for i, c := range columns {
		name, kind, _ := strings.Cut(c, " ")
		array, value := 1, "u."+name
		if i > 0 {
			array = 2 * i
			value = fmt.Sprintf("coalesce(u.%s, $%d::%s)", name, array+1, kind)
		}
		names, values = append(names, name), append(values, value)
		arrays = append(arrays, fmt.Sprintf("$%d::%s[]", array, kind))
	}
	list := strings.Join(names, ", ")
	return fmt.Sprintf("INSERT INTO %s (%s) SELECT %s FROM unnest(%s) u(%s)",
		table, list, strings.Join(values, ", "), strings.Join(arrays, ", "), list)
}

// queueRows queues a statement that insertRows made.
func queueRows(b *pgx.Batch, query string, first column, others ...column) {
	args := make([]any, 0, 1+2*len(others))
	args = append(args, first)
	for _, c := range others {
		array, same := c.short()
		args = append(args, array, same)
	}
	b.Queue(query, args...)
}

// registerColumns teaches a connection's types to take columns, beside all that they took before.
func registerColumns(m *pgtype.Map) {
	for _, oid := range []uint32{
		pgtype.TextArrayOID, pgtype.Int8ArrayOID, pgtype.Int2ArrayOID,
		pgtype.UUIDArrayOID, pgtype.TimestamptzArrayOID, pgtype.ByteaArrayOID, pgtype.BoolArrayOID,
	} {
		if t, ok := m.TypeForOID(oid); ok {
			m.RegisterType(&pgtype.Type{Name: t.Name, OID: oid, Codec: columnCodec{t.Codec}})
		}
	}
}

// columnCodec is a codec of arrays that also takes columns.
type columnCodec struct{ pgtype.Codec }

// PlanEncode implements pgtype.Codec.
func (c columnCodec) PlanEncode(m *pgtype.Map, oid uint32, format int16, value any) pgtype.EncodePlan {
	if _, ok := value.(column); ok && format == pgtype.BinaryFormatCode {
		return columnPlan{}
	}
	return c.Codec.PlanEncode(m, oid, format, value)
}

type columnPlan struct{}

// Encode implements pgtype.EncodePlan.
func (columnPlan) Encode(value any, buf []byte) ([]byte, error) {
	c, ok := value.(column)
	if !ok {
		return nil, fmt.Errorf("%T is no column", value)
	}
	return c.appendTo(buf), nil
}

// arrayHead appends the head of an array of one dimension that is indexed from 1, and makes room for its
// elements of about size bytes.
func arrayHead(buf []byte, nulls bool, element uint32, length, size int) []byte {
	buf = slices.Grow(buf, 20+length*(4+size))
	dimensions, hasNulls := uint32(1), uint32(0)
	if length == 0 {
		dimensions = 0
	}
	if nulls {
		hasNulls = 1
	}
	buf = binary.BigEndian.AppendUint32(buf, dimensions)
	buf = binary.BigEndian.AppendUint32(buf, hasNulls)
	buf = binary.BigEndian.AppendUint32(buf, element)
	if length == 0 {
		return buf
	}
	buf = binary.BigEndian.AppendUint32(buf, uint32(length)) //nolint:gosec // a batch is far below 2^31
	return binary.BigEndian.AppendUint32(buf, 1)
}

const null = ^uint32(0) // in place of an element's length

func (c texts) appendTo(buf []byte) []byte {
	size := 0
	for _, s := range c {
		size += len(s)
	}
	buf = arrayHead(buf, false, pgtype.TextOID, len(c), size/max(1, len(c))+1)
	for _, s := range c {
		buf = binary.BigEndian.AppendUint32(buf, uint32(len(s))) //nolint:gosec // a text is far below 2^31
		buf = append(buf, s...)
	}
	return buf
}

func (c bigints) appendTo(buf []byte) []byte {
	buf = arrayHead(buf, false, pgtype.Int8OID, len(c), 8)
	for _, n := range c {
		buf = binary.BigEndian.AppendUint32(buf, 8)
		buf = binary.BigEndian.AppendUint64(buf, uint64(n)) //nolint:gosec // two's complement
	}
	return buf
}

func (c smallints) appendTo(buf []byte) []byte {
	buf = arrayHead(buf, false, pgtype.Int2OID, len(c), 2)
	for _, n := range c {
		buf = binary.BigEndian.AppendUint32(buf, 2)
		buf = binary.BigEndian.AppendUint16(buf, uint16(n)) //nolint:gosec // two's complement
	}
	return buf
}

func (c uids) appendTo(buf []byte) []byte {
	buf = arrayHead(buf, true, pgtype.UUIDOID, len(c), 16)
	for _, u := range c {
		if u.IsZero() {
			buf = binary.BigEndian.AppendUint32(buf, null)
			continue
		}
		buf = binary.BigEndian.AppendUint32(buf, 16)
		buf = append(buf, u[:]...)
	}
	return buf
}

// epoch is PostgreSQL's, in microseconds of Unix time.
const epoch = 946_684_800_000_000

func (c instants) appendTo(buf []byte) []byte {
	buf = arrayHead(buf, true, pgtype.TimestamptzOID, len(c), 8)
	for _, t := range c {
		if t.IsZero() {
			buf = binary.BigEndian.AppendUint32(buf, null)
			continue
		}
		buf = binary.BigEndian.AppendUint32(buf, 8)
		buf = binary.BigEndian.AppendUint64(buf, uint64(t.UnixMicro()-epoch)) //nolint:gosec // two's complement
	}
	return buf
}

func (c fingerprints) appendTo(buf []byte) []byte {
	buf = arrayHead(buf, false, pgtype.ByteaOID, len(c), 16)
	for _, b := range c {
		buf = binary.BigEndian.AppendUint32(buf, 16)
		buf = append(buf, b[:]...)
	}
	return buf
}
