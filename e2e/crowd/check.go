package crowd

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"

	"scrip/client"
)

// again has a winner ask once more, whoever is asked now.
func (c *Crowd) again(ctx context.Context) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.won) == 0 || len(c.servers) == 0 {
		return
	}
	w := c.won[rand.IntN(len(c.won))]          //nolint:gosec // whom to ask, not a secret
	on := c.servers[rand.IntN(len(c.servers))] //nolint:gosec // likewise
	receipt, err := c.ask(on, func() (*client.Redemption, error) {
		return on.Client.Redeem(context.WithoutCancel(ctx), client.RedeemRequest{Code: w.Code, Customer: w.Customer}, w.options()...)
	})
	var refusal *client.Error
	errors.As(err, &refusal)
	switch {
	case w.Keyed && err == nil && receipt.ID == w.Receipt && receipt.Rank == w.Rank:
	case !w.Keyed && refusal != nil && refusal.Code == client.CodeAlreadyRedeemed && refusal.Redemption != nil && refusal.Redemption.ID == w.Receipt:
	case c.tolerant && err != nil && (refusal == nil || refusal.Retryable):
		c.silent++
		return
	default:
		c.wrong = append(c.wrong, fmt.Sprintf("%+v asks %s again, and the answer is %+v, %v", w, on.Name, receipt, err))
		return
	}
	c.answers[on.Name]++
}

// Wrong takes what was found wrong so far.
func (c *Crowd) Wrong() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	wrong := c.wrong
	c.wrong = nil
	return wrong
}

// Answers counts the verdicts of a server.
func (c *Crowd) Answers(server string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.answers[server]
}

// String sums the book up.
func (c *Crowd) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	lost := 0
	for _, n := range c.lost {
		lost += n
	}
	return fmt.Sprintf("%d won, %d lost, %d without a verdict; verdicts by server: %v", len(c.won), lost, c.silent, c.answers)
}

// Listed is what a server has of each code of the crowd: its standing uses, by receipt.
func (c *Crowd) Listed(ctx context.Context, on Server) (map[string]client.Redemption, error) {
	c.mu.Lock()
	codes := c.codes
	c.mu.Unlock()
	listed := map[string]client.Redemption{}
	for _, code := range codes {
		v, err := on.Client.LookupVoucher(ctx, code)
		if client.CodeOf(err) == client.CodeVoucherNotFound {
			continue // it was made after a backup that is looked at
		}
		if err != nil {
			return nil, fmt.Errorf("look %s up on %s: %w", code, on.Name, err)
		}
		n := int64(0)
		for r, err := range on.Client.AllRedemptions(ctx, client.RedemptionQuery{Voucher: v.ID, Page: client.Page{Limit: 100}}) {
			if err != nil {
				return nil, fmt.Errorf("list the uses of %s on %s: %w", code, on.Name, err)
			}
			listed[r.ID] = r
			n++
		}
		if v.Redeemed != n {
			return nil, fmt.Errorf("%s: %s counts %d uses and lists %d", code, on.Name, v.Redeemed, n)
		}
	}
	return listed, nil
}

// Missing tells which of these wins a server does not list as they were acknowledged.
func Missing(wins []Win, listed map[string]client.Redemption) (missing []Win) {
	for _, w := range wins {
		r, ok := listed[w.Receipt]
		if !ok || r.Rank != w.Rank || r.Customer != w.Customer || r.Status != client.StatusRedeemed {
			missing = append(missing, w)
		}
	}
	return missing
}

// Settle holds a server to the whole book, when every task has its answer: what it lists is what was
// acknowledged, no more and no less, with ranks from 1 on, each once; and every wallet holds its wins.
func (c *Crowd) Settle(ctx context.Context, on Server) error {
	listed, err := c.Listed(ctx, on)
	if err != nil {
		return err
	}
	_, won := c.Mark()
	var errs []error
	for _, w := range Missing(won, listed) {
		errs = append(errs, fmt.Errorf("%+v was acknowledged and is not listed so", w))
	}
	if len(listed) != len(won) {
		errs = append(errs, fmt.Errorf("%d uses are listed, %d were acknowledged", len(listed), len(won)))
	}
	ranks, tops := map[string]map[int64]bool{}, map[string]int64{}
	for _, w := range won {
		if ranks[w.Code] == nil {
			ranks[w.Code] = map[int64]bool{}
		}
		ranks[w.Code][w.Rank] = true
		tops[w.Code]++
	}
	for code, top := range tops {
		for rank := int64(1); rank <= top; rank++ {
			if !ranks[code][rank] {
				errs = append(errs, fmt.Errorf("%s: nobody has rank %d of %d", code, rank, top))
			}
		}
	}
	for _, w := range won { // each customer uses one code, once
		wallet, err := on.Client.Wallet(ctx, w.Customer)
		if err != nil {
			errs = append(errs, fmt.Errorf("the wallet of %s on %s: %w", w.Customer, on.Name, err))
			break
		}
		if have := wallet.Balance(Currency); have != Credit {
			errs = append(errs, fmt.Errorf("%s has won once and has %d", w.Customer, have))
		}
	}
	return errors.Join(errs...)
}
