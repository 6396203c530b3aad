package pgstore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"scrip/internal/id"
	"scrip/internal/store"
)

// The express lane. Most batches of a crowd are redemptions of one code by customers who hold nothing of it, far from
// every limit. Those need no reading before they are judged: what Judge says to such customers is foreseen from the
// code's terms (voucher.Foresee), which this process knows, and one statement proves behind the locks that the terms
// hold and writes all that follows from them. So a batch costs one round trip, and no lock waits for this process.
//
//  1. The rules are judged here, by the domain. The statement compares versions, the time and the counters, and knows
//     no rule.
//  2. All or nothing: where anything is not as foreseen, the statement writes nothing, and the batch goes the ordinary
//     way as if it had never been here.
//  3. A customer who has won already is left out of what is written and hears so, with the receipt, at their place in
//     the order. Whatever else a command may be goes the ordinary way, and its whole batch with it.

// errOrdinary says that a batch is not one for the express lane. Nothing was done.
var errOrdinary = errors.New("the batch goes the ordinary way")

// expressTextMax bounds a customer's bytes, so that their number takes one byte in the name of a transfer.
const expressTextMax = 127

// seat is a redemption with its place in the batch, from 1.
type seat struct {
	*store.Redeem
	n int16
}

// crowd is a batch for the express lane.
type crowd struct {
	terms

	redeems []*store.Redeem
	seats   []seat // the same, by customer
	keyed   bool   // at least one has a key
	row     id.ID  // of unsealed, which names what the batch wrote
}

// crowdOf recognises a batch for the express lane: redemptions of one code, all by different customers, asked for the first
// time. nil where it is none.
func (s *Store) crowdOf(commands []store.Command) *crowd {
	if len(commands) == 0 || len(commands) > store.SealRowMax {
		return nil
	}
	first, ok := commands[0].(*store.Redeem)
	if !ok {
		return nil
	}
	c := &crowd{redeems: make([]*store.Redeem, len(commands)), seats: make([]seat, len(commands))}
	for i, command := range commands {
		r, ok := command.(*store.Redeem)
		if !ok || r.Again || r.Code != first.Code || len(r.Customer) > expressTextMax {
			return nil
		}
		c.redeems[i], c.seats[i] = r, seat{r, int16(i + 1)}
		c.keyed = c.keyed || r.Key != ""
	}
	slices.SortFunc(c.seats, func(a, b seat) int { return strings.Compare(a.Customer, b.Customer) })
	for i := 1; i < len(c.seats); i++ {
		if c.seats[i].Customer == c.seats[i-1].Customer {
			return nil
		}
	}
	if c.terms, ok = s.book.take(first.Code, len(commands)); !ok {
		return nil
	}
	c.row = id.New(first.ID.Time())
	return c
}

// express applies the batch in one round trip, or returns errOrdinary. After an error of the server's, which surely undid
// it, it goes the ordinary way too. An error that is store.ErrFateUnknown may have had an effect.
func (s *Store) express(ctx context.Context, commands []store.Command, outcomes []store.Outcome) error {
	c := s.crowdOf(commands)
	if c == nil {
		return errOrdinary
	}
	a, err := s.ask(ctx, c)
	switch {
	case errors.Is(err, errNoConnection):
		return err
	case errors.Is(err, store.ErrFateUnknown):
		s.silent(ctx, err)
		return err
	case err != nil:
		s.book.missed(c.voucher.Key)
		s.failed(ctx, err)
		return errOrdinary
	case a == nil:
		s.book.missed(c.voucher.Key)
		return errOrdinary
	}
	s.told(a.at)
	if err := c.answer(a, outcomes); err != nil {
		return fmt.Errorf("%w: %w", store.ErrFateUnknown, err) // asked again by its ids, it hears what was written
	}
	s.book.held(&c.campaign, &c.voucher)
	s.recent.add(c.row, c.committed(outcomes))
	s.lanes.express.Add(1)
	return nil
}

// failed is told of an error that undid an express batch. Those that it can't foresee are no news: a neighbour was faster,
// or a wallet would overflow. Any other one shows as slowness only, for the ordinary way works: so it is told.
func (s *Store) failed(ctx context.Context, err error) {
	switch sqlState(err) {
	case codeLockNotAvailable:
		s.endStalled(ctx)
	case codeUniqueViolation, codeSerialization, codeDeadlock, codeOutOfRange:
	default:
		s.cfg.Log.WarnContext(ctx, "an express batch failed; it goes the ordinary way", "error", err)
	}
}
