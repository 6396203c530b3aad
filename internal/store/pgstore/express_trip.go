package pgstore

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"scrip/internal/store"
)

// ask sends the batch's transaction in one pipeline and reads the answer: nil where the guard did not hold, and nothing was
// written. Where nobody won, the commit of its locks waits for the standbys all the same (standby.go). Once the server has answered COMMIT with COMMIT, nothing that happens to the connection matters any more.
func (s *Store) ask(ctx context.Context, c *crowd) (*findings, error) {
	conn, err := s.acquire(ctx)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errNoConnection, err)
	}
	defer conn.Release() // before anything else is done: it may be the only one
	ctx, cancel := context.WithTimeout(ctx, s.tripMax())
	defer cancel()
	query := s.wide.express
	if c.keyed {
		query = s.wide.expressKeyed
	}
	b := &pgx.Batch{}
	b.Queue(beginQuery)
	b.Queue(expressLockQuery, [16]byte(c.campaign.ID), [16]byte(c.voucher.ID))
	b.Queue(query, c.parameters(s)...)
	b.Queue("COMMIT")
	// gofail: var postgresBeforeExpress struct{}
	answers := conn.SendBatch(ctx, b)
	a, err := c.readAll(answers)
	closed := answers.Close()
	// gofail: var postgresAfterExpress struct{}
	switch {
	case errors.Is(err, errRolledBack):
		return nil, errors.Join(err, closed)
	case err != nil:
		return nil, cutOff(ctx, conn, commitFate(err))
	default:
		return a, nil
	}
}

var errNoConnection = errors.New("nothing was sent")

// errCut says that the connection was lost under an express batch: most likely it was dead before, as after a restart of
// the server, but the bytes that asked for all of the batch asked for its commit too.
var errCut = errors.New("the connection was lost")

func cutOff(ctx context.Context, conn *pgxpool.Conn, err error) error {
	if errors.Is(err, store.ErrFateUnknown) && conn.Conn().IsClosed() && ctx.Err() == nil && !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%w: %w", errCut, err)
	}
	return err
}

// askAgain asks an express batch that was cut off again by its ids, the ordinary way, on another connection. Behind the
// locks it finds what was done. Should the first statement be there still and run only then, it finds the customers as
// winners, or their slots taken, and no room for those who were refused.
func (s *Store) askAgain(ctx context.Context, commands []store.Command, outcomes []store.Outcome, cut error) error {
	asked := make([]store.Command, len(commands))
	for i, command := range commands {
		if r, ok := command.(*store.Redeem); ok {
			again := *r
			again.Again = true
			asked[i] = &again
		}
	}
	if err := s.ordinary(ctx, asked, outcomes); err != nil {
		return fmt.Errorf("%w; asked again: %w", cut, err) // cut says that the fate is unknown
	}
	for i, command := range commands { // what this call did is no replay
		if r, ok := command.(*store.Redeem); ok && outcomes[i].Replayed && outcomes[i].Redemption.ID == r.ID {
			outcomes[i].Replayed = false
		}
	}
	return nil
}

// parameters are those of the statement, in their order.
func (c *crowd) parameters(s *Store) []any {
	n := len(c.seats)
	customers, ids, places := make(texts, n), make(uids, n), make(smallints, n)
	refs := make([]store.TransferRef, n)
	for i, r := range c.seats {
		customers[i], ids[i], places[i] = r.Customer, r.ID, r.n
		refs[i] = store.TransferRef{Customer: r.Customer, Currency: c.campaign.Currency, Seq: 1}
	}
	fixed, floor := s.hand()
	p := []any{
		[16]byte(c.campaign.ID), c.campaign.Version, [16]byte(c.voucher.ID), c.voucher.Version,
		customers, ids, places, string(c.campaign.Currency), c.prospect.AmountMinor,
		bound(fixed), floor, bound(c.prospect.Window.Start), bound(c.prospect.Window.End),
		c.prospect.Uses, c.prospect.Count, c.prospect.GivenMinor, c.voucher.PerCustomer == 1,
		store.AppendRefs(nil, refs...), c.voucher.Limit, store.AppendRefCurrency(nil, c.campaign.Currency),
		[16]byte(c.row),
	}
	if c.keyed {
		keys, prints := make(texts, n), make(fingerprints, n)
		for i, r := range c.seats {
			keys[i], prints[i] = r.Key, r.Fingerprint
		}
		p = append(p, keys, prints)
	}
	return p
}
