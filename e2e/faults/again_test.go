package faults_test

import (
	"context"
	"errors"

	"scrip/client"
)

// askAgain asks for something that has its answer already, in one of the ways that there are; n chooses the
// way, and whom.
func (b *book) askAgain(ctx context.Context, r *replica, n int) {
	b.mu.Lock()
	var w ticket
	var loser task
	if len(b.wins) > 0 {
		w = b.wins[len(b.wins)-1-n/8%min(len(b.wins), recent)]
	}
	if len(b.losers) > 0 {
		loser = b.losers[len(b.losers)-1-n/8%min(len(b.losers), recent)]
	}
	b.again++
	b.mu.Unlock()
	switch way := n % 8; {
	case way < 3 && loser.code != "":
		b.loserAgain(ctx, r, loser)
	case w.code == "":
	case way == 3 && w.keyed():
		b.replay(ctx, r, w)
	case way == 4:
		b.receipt(ctx, r, w)
	case way == 5:
		b.wallet(ctx, r, w)
	default:
		b.winnerAgain(ctx, r, w)
	}
}

// recent is how many of the latest winners and losers ask again.
const recent = 400

// winnerAgain asks for a win once more, without its key.
func (b *book) winnerAgain(ctx context.Context, r *replica, w ticket) (verdict bool) {
	verdict, err := b.call(ctx, r, "a winner asking again", func(ctx context.Context, c *client.Client) error {
		_, err := c.Redeem(ctx, client.RedeemRequest{Code: w.code, Customer: w.customer})
		return err
	})
	if !verdict {
		return false
	}
	var refusal *client.Error
	if !errors.As(err, &refusal) || refusal.Code != client.CodeAlreadyRedeemed ||
		refusal.Redemption == nil || refusal.Redemption.ID != w.receipt || refusal.Redemption.Rank != w.rank {
		b.say("%+v asked %s again and was told %v, with %+v", w, r.name, err, refusal)
	}
	return true
}

// replay asks for a win once more under its key.
func (b *book) replay(ctx context.Context, r *replica, w ticket) {
	var receipt *client.Redemption
	verdict, err := b.call(ctx, r, "a replay", func(ctx context.Context, c *client.Client) (err error) {
		receipt, err = w.redeem(ctx, c)
		return err
	})
	if verdict && (err != nil || receipt.ID != w.receipt || receipt.Rank != w.rank || !receipt.Replayed) {
		b.say("%+v asked %s again under its key and was told %v, %+v", w, r.name, err, receipt)
	}
}

// receipt looks a win up.
func (b *book) receipt(ctx context.Context, r *replica, w ticket) {
	var is *client.Redemption
	verdict, err := b.call(ctx, r, "a receipt", func(ctx context.Context, c *client.Client) (err error) {
		is, err = c.Redemption(ctx, w.receipt)
		return err
	})
	if verdict && (err != nil || is.Rank != w.rank || is.Customer != w.customer || is.Status != client.StatusRedeemed) {
		b.say("%+v was acknowledged; %s says %v, %+v", w, r.name, err, is)
	}
}

// wallet looks into a winner's wallet: a win that was acknowledged is in it, whoever is asked.
func (b *book) wallet(ctx context.Context, r *replica, w ticket) {
	least := b.winsOf(w.customer) * credit
	var is *client.Wallet
	verdict, err := b.call(ctx, r, "a balance", func(ctx context.Context, c *client.Client) (err error) {
		is, err = c.Wallet(ctx, w.customer)
		return err
	})
	if verdict && (err != nil || is.Balance(currency) < least) {
		b.say("%s has won %d by now; %s says %v, %+v", w.customer, least, r.name, err, is)
	}
}

// winsOf is how often a customer was told of a win.
func (b *book) winsOf(customer string) int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	var n int64
	for _, code := range []string{endless, codeOf(customer)} {
		if _, won := b.won[task{code, customer}]; won {
			n++
		}
	}
	return n
}

// loserAgain asks for what was sold out once more.
func (b *book) loserAgain(ctx context.Context, r *replica, k task) {
	verdict, err := b.call(ctx, r, "a loser asking again", func(ctx context.Context, c *client.Client) error {
		_, err := c.Redeem(ctx, client.RedeemRequest{Code: k.code, Customer: k.customer})
		return err
	})
	if verdict && client.CodeOf(err) != client.CodeQuantityExceeded {
		b.say("%s was sold out for %s; %s says %v", k.code, k.customer, r.name, err)
	}
}
