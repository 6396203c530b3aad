package pgstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"scrip/internal/fault"
	"scrip/internal/store"
)

// Apply applies the commands in order, in one transaction. Most batches of a crowd take one round trip, by the express lane
// (express.go). All else goes the ordinary way, which costs two round trips, or three, and each is a fixed number
// of statements whatever the batch's size:
//
//  1. load: begin, lock the campaigns and vouchers that the batch names, take the time, read all else that
//     the commands need; once more for what is replayed under its key, and, in a large batch, for what its
//     returning customers have used before;
//  2. in memory, judge the commands one by one, each seeing what those before it did;
//  3. write: all that came of it, and commit.
//
// Vouchers and campaigns are locked, and with them every claim on them. Wallets and keys are not: a wallet
// that another process moved in between shows as a taken number of its ledger entry, a key as a taken key.
// Then the batch is rolled back and judged again, with the wallets locked.
func (s *Store) Apply(ctx context.Context, commands []store.Command) ([]store.Outcome, error) {
	if s.writers == nil {
		return nil, fmt.Errorf("%w: %w", store.ErrNotApplied, errReadOnly)
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("%w: %w", store.ErrNotApplied, err)
	}
	outcomes := make([]store.Outcome, len(commands))
	lockable := make([]store.Command, len(commands)) // nil where the command is refused already
	for i, c := range commands {
		if refusal := unstorable(c); refusal != nil {
			outcomes[i].Refusal = refusal
		} else {
			lockable[i] = c
		}
	}
	err := s.express(ctx, lockable, outcomes)
	switch {
	case errors.Is(err, errOrdinary):
		err = s.ordinary(ctx, lockable, outcomes)
	case errors.Is(err, errCut):
		err = s.askAgain(ctx, lockable, outcomes, err)
	}
	switch {
	case err == nil:
		return outcomes, nil
	case errors.Is(err, store.ErrFateUnknown):
		return nil, err
	default:
		return nil, fmt.Errorf("%w: %w", store.ErrNotApplied, err)
	}
}

// ordinary applies the batch the ordinary way.
func (s *Store) ordinary(ctx context.Context, commands []store.Command, outcomes []store.Outcome) error {
	err := retried(ctx, lostBatch, func(attempt int) error {
		err := s.attempt(ctx, commands, outcomes, attempt > 1)
		if sqlState(err) == codeLockNotAvailable && s.endStalled(ctx) {
			return fmt.Errorf("%w: %w", errFreed, err)
		}
		return err
	})
	if err == nil {
		s.lanes.ordinary.Add(1)
	}
	return err
}

// errFreed says that a batch waited for locks in vain, whose holders are ended: it may have them now.
var errFreed = errors.New("the locks were a stalled process's")

// errMoved says that what a batch needs came to be between two of its reads; judged again, it is there.
var errMoved = errors.New("the rows changed while they were read")

// lostBatch reports whether a batch surely was not applied and may be when it is judged again: it lost
// to a neighbour, or its connection was dead before anything was asked to be committed.
func lostBatch(err error) bool {
	if errors.Is(err, store.ErrFateUnknown) {
		return false
	}
	if lost(err) || sqlState(err) == codeUniqueViolation || errors.Is(err, errMoved) {
		return true
	}
	_, broken := errors.AsType[brokenError](err)
	return broken
}

// brokenError is the loss of a connection before the commit was sent.
type brokenError struct{ err error }

func (e brokenError) Error() string { return "the connection was lost: " + e.err.Error() }

func (e brokenError) Unwrap() error { return e.err }

// attempt applies the batch once. Of its errors only one that is store.ErrFateUnknown may have had an effect.
// A connection that it leaves in a transaction is thrown away by the pool, which ends the transaction.
func (s *Store) attempt(ctx context.Context, commands []store.Command, outcomes []store.Outcome, lockWallets bool) error {
	conn, err := s.acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	w, err := s.load(ctx, conn, wantedBy(commands), lockWallets)
	if err != nil {
		s.silent(ctx, err)
		return ended(ctx, conn, err)
	}
	for i, c := range commands {
		if c == nil {
			continue
		}
		outcomes[i] = store.Outcome{}
		if err := w.judge(c, &outcomes[i]); err != nil {
			return err
		}
	}
	s.standbys.Store(w.standbys)
	switch {
	case !w.unchanged():
		err = s.write(ctx, conn, w)
		s.silent(ctx, err)
	case w.standbys && tellsOfEffects(outcomes):
		err = s.confirm(ctx, conn)
		s.silent(ctx, err)
	default:
		err = s.abandon(ctx, conn)
	}
	if err == nil {
		w.teach(&s.book)
	}
	return err
}

// teach tells the book what stands now of the codes that the batch used.
func (w *working) teach(b *book) {
	for _, h := range w.codes {
		if h.campaign != nil {
			b.learn(&h.campaign.c, &h.v)
		}
	}
}

// acquire takes a connection of the writers, waiting no longer than for making one.
func (s *Store) acquire(ctx context.Context) (*pgxpool.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.ConnectTimeout)
	defer cancel()
	conn, err := s.writers.Acquire(ctx)
	if err != nil {
		return nil, fmt.Errorf("take a connection: %w", err)
	}
	return conn, nil
}

// tripMax bounds a round trip of a batch from this side. Its statements take milliseconds; what may take long
// is the wait for a lock, which the server ends itself. So only a server that went silent gets here, and the
// caller has a verdict, by another connection, within five seconds.
func (s *Store) tripMax() time.Duration { return s.cfg.LockTimeout + tripSlack }

const tripSlack = 2 * time.Second

// silent is told of an error of a round trip. Where the server said nothing for as long as it may take, the
// other connections are most likely dead too, and none is used again.
func (s *Store) silent(ctx context.Context, err error) {
	if ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) {
		s.writers.Reset()
		s.readers.Reset()
	}
}

// abandon ends a transaction that has nothing to record.
func (s *Store) abandon(ctx context.Context, conn *pgxpool.Conn) error {
	ctx, cancel := context.WithTimeout(ctx, s.tripMax())
	defer cancel()
	if _, err := conn.Exec(ctx, "ROLLBACK"); err != nil {
		return ended(ctx, conn, fmt.Errorf("roll back: %w", err))
	}
	return nil
}

// ended tells an error of the server's from the loss of the connection, which another connection may mend:
// not where it is the caller who left, or the server that is silent.
func ended(ctx context.Context, conn *pgxpool.Conn, err error) error {
	if conn.Conn().IsClosed() && ctx.Err() == nil && !errors.Is(err, context.DeadlineExceeded) {
		return brokenError{err}
	}
	return err
}

// commitFate tells what an error of the last round trip leaves, whose bytes asked for the commit. An ERROR
// of the server's ends the transaction, whichever statement it met, the commit included; anything else
// (FATAL, a lost connection, a deadline) may have come after the commit.
func commitFate(err error) error {
	e, ok := errors.AsType[*pgconn.PgError](err)
	if ok && e.SeverityUnlocalized == "ERROR" {
		return err
	}
	if pgconn.SafeToRetry(err) { // nothing was sent
		return brokenError{err}
	}
	return fmt.Errorf("%w: %w", store.ErrFateUnknown, err)
}

// unstorable refuses a command with a text that PostgreSQL can't keep, before it can break its neighbours'
// transaction.
func unstorable(c store.Command) *fault.Error {
	switch c := c.(type) {
	case *store.Redeem:
		if c.Order != nil && !storable(c.Order.ID) {
			return fault.ErrInvalidRequest.Says(notText).On("order.id")
		}
		return refuseTexts(c.Code, c.Customer, c.Key)
	case *store.Rollback:
		if !storable(c.Reason) {
			return fault.ErrInvalidRequest.Says(notText).On("reason")
		}
		return refuseTexts(c.Key)
	case *store.Post:
		return refuseTexts(c.Customer, c.To, string(c.Currency), c.Key)
	default:
		return nil
	}
}

func refuseTexts(of ...string) *fault.Error {
	for _, t := range of {
		if !storable(t) {
			return fault.ErrInvalidRequest.Says(notText)
		}
	}
	return nil
}
