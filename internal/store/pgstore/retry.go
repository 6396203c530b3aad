package pgstore

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"scrip/internal/fault"
	"scrip/internal/store"
)

// attemptsMax bounds how often a transaction is tried that loses to its neighbours. A writer that lost once
// locks what it lost on, so the second attempt normally wins; the rest is for a crowd of deadlocks.
//
// A wait for a lock that was in vain is none of those: it took as long as it may, and the next one most likely takes as
// long again, while everybody behind it waits too. So it ends the attempts, and the caller, who knows who waits, may
// come again.
const attemptsMax = 8

// The wait before the second attempt and at most before a later one; it doubles in between.
const (
	waitFirst = 2 * time.Millisecond
	waitMax   = 200 * time.Millisecond
)

// PostgreSQL's codes for what an attempt may meet.
const (
	codeOutOfRange        = "22003"
	codeUniqueViolation   = "23505"
	codeSerialization     = "40001"
	codeDeadlock          = "40P01"
	codeLockNotAvailable  = "55P03"
	codeQueryCanceled     = "57014"
	codeInvalidPassword   = "28P01"
	codeInvalidAuth       = "28000"
	codeNoDatabase        = "3D000"
	codeNoSchema          = "3F000"
	codeUndefinedObject   = "42704"
	codeTooManyConns      = "53300"
	codeDiskFull          = "53100"
	codeInsufficientRight = "42501"
	codeReadOnly          = "25006"
	codeCannotConnectNow  = "57P03"
)

// sqlState is PostgreSQL's code of err, or "".
func sqlState(err error) string {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Code
	}
	return ""
}

// lost reports whether err says that the transaction was rolled back because of another one, so that the
// same transaction may succeed when tried again.
func lost(err error) bool {
	switch sqlState(err) {
	case codeSerialization, codeDeadlock, codeLockNotAvailable:
		return true
	default:
		return false
	}
}

// Unreachable reports whether err says that no connection could be made: nothing was asked, and the next who asks has to
// dial again.
func Unreachable(err error) bool {
	_, ok := errors.AsType[*pgconn.ConnectError](err)
	return ok
}

// retried calls do until it neither loses to a neighbour nor has been called attemptsMax times; again tells
// which errors are such losses. It waits in between, longer each time, and ends with ctx. A lock that somebody else held
// for too long ends it at once, with an error that is store.ErrLocked, unless that somebody has been ended (errFreed).
func retried(ctx context.Context, again func(error) bool, do func(attempt int) error) error {
	wait := waitFirst
	for attempt := 1; ; attempt++ {
		err := do(attempt)
		if err == nil || !again(err) {
			return err
		}
		if sqlState(err) == codeLockNotAvailable && !errors.Is(err, errFreed) {
			return fmt.Errorf("%w: %w", store.ErrLocked, err)
		}
		if attempt == attemptsMax {
			return fmt.Errorf("given up after %d attempts: %w", attempt, err)
		}
		if ended := sleep(ctx, wait/2+rand.N(wait)); ended != nil { //nolint:gosec // jitter, not a secret
			return errors.Join(ended, err)
		}
		wait = min(2*wait, waitMax)
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// thinkingMax is idleInTransaction for administrators: between two statements of an import of many codes, what
// was made is written as text, or read back, which may take longer than a batch ever does.
const thinkingMax = 15 * time.Second

const thinkLongerQuery = "SELECT set_config('idle_in_transaction_session_timeout', $1, true)"

// tx runs do in a transaction of the writers and commits it, again where it lost to a neighbour, and once more where it
// waited for a lock in vain: do must not keep anything from an attempt that failed. A *fault.Error from do ends the
// transaction and comes back as it is. It is for what is asked by people; Apply has its own way (apply.go).
func (s *Store) tx(ctx context.Context, do func(tx pgx.Tx) error) error {
	if s.writers == nil {
		return errReadOnly
	}
	once := func(int) error {
		return pgx.BeginTxFunc(ctx, s.writers, pgx.TxOptions{}, func(tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, thinkLongerQuery, milliseconds(thinkingMax)); err != nil {
				return err
			}
			return do(tx)
		})
	}
	err := retried(ctx, lost, once)
	if errors.Is(err, store.ErrLocked) {
		err = retried(ctx, lost, once)
	}
	if f, ok := errors.AsType[*fault.Error](err); ok {
		return f
	}
	return unavailable(ctx, err)
}

// clockQuery is asked after the locks, so that whoever waited for them is later than whoever held them.
const clockQuery = "SELECT clock_timestamp()"

// momentQuery is clockQuery for who may answer with what was there before.
const momentQuery = clockQuery + ", " + standbysKnown
