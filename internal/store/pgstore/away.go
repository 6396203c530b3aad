package pgstore

import (
	"context"
	"errors"
	"io"
	"net"

	"github.com/jackc/pgx/v5/pgconn"

	"scrip/internal/fault"
)

// unavailable is err, or fault.ErrStoreUnavailable because of it where the server is away, starting or out of
// something (connections, memory, disk, time): then the same request may succeed later, and its caller is to
// be told so. A *fault.Error stays, and so does the end of the caller's own context.
func unavailable(ctx context.Context, err error) error {
	if err == nil || ctx.Err() != nil || !away(err) {
		return err
	}
	if _, ok := errors.AsType[*fault.Error](err); ok {
		return err
	}
	return fault.ErrStoreUnavailable.With(err)
}

// away reports whether err speaks of the server's state or of the connection to it, not of what was asked.
func away(err error) bool {
	if state := sqlState(err); state != "" {
		switch state[:2] {
		case "08", "53", "57", "58": // connection, resources, the operator or a timeout, the system below
			return true
		default:
			return lost(err) || state == codeReadOnly // locked out for too long; demoted to a standby
		}
	}
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok || pgconn.SafeToRetry(err) {
		return true
	}
	_, network := errors.AsType[net.Error](err)
	return network || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}
