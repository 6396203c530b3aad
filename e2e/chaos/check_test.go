package chaos_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/anishathalye/porcupine"

	"scrip/client"
	"scrip/internal/voucher"
)

// What holds an episode to account, in this order: the lists, what was acknowledged, the histories, verify.

// verdicts are what the checks of an episode found.
type verdicts struct {
	histories, unknown int
	operations         int
	violations         []string
}

// account holds an episode to account. The error is one of the harness's own.
func (r *chaosRun) account(ctx context.Context, c *crowd) (verdicts, error) {
	var v verdicts
	wins, finals, err := r.list(ctx, c)
	if err != nil {
		return v, err
	}
	wallets := winsByCustomer(wins)
	if err := r.look(ctx, c, wallets); err != nil {
		return v, err
	}
	v.violations = r.w.takeWrong()
	codes := c.h.by(func(o *op) string { return o.Code })
	customers := c.h.by(func(o *op) string { return o.Customer })
	var histories []history1
	for _, of := range c.all {
		ops := codes[of.name]
		v.operations += len(ops)
		m, wrong := newCodeModel(of, wins[of.name], finals[of.name], ops, &r.w.clock)
		v.violations = append(v.violations, wrong...)
		if m != nil {
			histories = append(histories, history1{of.name, m.model(), operations(ops, m.can)})
		}
	}
	for who, ops := range customers {
		m := newWalletModel(wallets[who], ops)
		histories = append(histories, history1{who, m.model(), operations(ops, m.can)})
	}
	v.histories = len(histories)
	violations, unknown := r.check(histories)
	v.violations, v.unknown = append(v.violations, violations...), unknown
	if r.mutant {
		return v, nil
	}
	if err := r.w.holds(ctx); err != nil {
		v.violations = append(v.violations, err.Error())
	}
	return v, nil
}

// list lists what every code has given, with its state, as the last op of its history.
func (r *chaosRun) list(ctx context.Context, c *crowd) (map[string][]win, map[string]*client.Voucher, error) {
	wins, finals := map[string][]win{}, map[string]*client.Voucher{}
	var mu sync.Mutex
	err := inParallel(c.all, func(of *code) error {
		a := &asker{no: workers, w: r.w, h: c.h}
		return until(ctx, "the list of "+of.name, func() bool {
			s := r.w.servers[len(of.name)%len(r.w.servers)]
			o := a.begin(s, final, of, "")
			found, v, err := listCode(ctx, s.client, of)
			if err != nil {
				return false
			}
			a.finish(o, nil)
			mu.Lock()
			defer mu.Unlock()
			wins[of.name], finals[of.name] = found, v
			return true
		})
	})
	return wins, finals, err
}

func listCode(ctx context.Context, c *client.Client, of *code) ([]win, *client.Voucher, error) {
	v, err := c.LookupVoucher(ctx, of.name)
	if err != nil {
		return nil, nil, err
	}
	var found []win
	for listed, err := range c.AllRedemptions(ctx, client.RedemptionQuery{Voucher: of.voucher}) {
		if err != nil {
			return nil, nil, err
		}
		found = append(found, win{Redemption: listed, rolledBack: listed.Status == client.StatusRolledBack})
	}
	slices.SortFunc(found, func(a, b win) int { return cmp.Compare(a.Rank, b.Rank) })
	return found, v, nil
}

// look looks into every wallet, as the last op of its history.
func (r *chaosRun) look(ctx context.Context, c *crowd, wallets map[string][]win) error {
	customers := map[string]bool{}
	for who := range wallets {
		customers[who] = true
	}
	for who := range c.h.by(func(o *op) string { return o.Customer }) {
		customers[who] = true
	}
	names := make([]string, 0, len(customers))
	for who := range customers {
		names = append(names, who)
	}
	return inParallel(names, func(who string) error {
		a := &asker{no: workers, w: r.w, h: c.h}
		return until(ctx, "the wallet of "+who, func() bool {
			return a.balance(ctx, r.w.servers[len(who)%len(r.w.servers)], who, false, credited)
		})
	})
}

// inParallel does all of them, a few at a time.
func inParallel[T any](all []T, do func(T) error) error {
	const atOnce = 8
	todo := make(chan T, len(all))
	for _, one := range all {
		todo <- one
	}
	close(todo)
	errs := make([]error, atOnce)
	var running sync.WaitGroup
	for i := range atOnce {
		running.Go(func() {
			for one := range todo {
				if errs[i] = do(one); errs[i] != nil {
					return
				}
			}
		})
	}
	running.Wait()
	return errors.Join(errs...)
}

func winsByCustomer(wins map[string][]win) map[string][]win {
	by := map[string][]win{}
	for _, found := range wins {
		for _, w := range found {
			by[w.Customer] = append(by[w.Customer], w)
		}
	}
	for _, found := range by {
		slices.SortFunc(found, func(a, b win) int { return cmp.Or(strings.Compare(a.Code, b.Code), cmp.Compare(a.Rank, b.Rank)) })
	}
	return by
}

// newCodeModel is the machine of a code, once it is known what it has given. Without one (nil) the lists
// themselves are wrong.
func newCodeModel(of *code, wins []win, v *client.Voucher, ops []*op, c *clock) (*codeModel, []string) {
	m := &codeModel{
		name: of.name, perCustomer: of.perCustomer, limit: of.limit, start: of.start, wins: wins,
		byID: map[string]int{}, intents: map[string]int{}, limitAtEnd: *v.Limit, closedAtEnd: v.Disabled,
	}
	var wrong []string
	standing := int64(0)
	for i := range wins {
		w := &wins[i]
		m.byID[w.ID] = i
		if w.Rank != int64(i+1) {
			wrong = append(wrong, fmt.Sprintf("of the ranks of %s from 1 on, each once, number %d is %d", of.name, i+1, w.Rank))
		}
		if !w.rolledBack {
			standing++
		}
	}
	if standing != v.Redeemed || v.Redeemed != *v.Limit {
		wrong = append(wrong, fmt.Sprintf("%s: %d uses stand and it says %d, of %d that enough customers have asked for", of.name, standing, v.Redeemed, *v.Limit))
	}
	for _, o := range ops {
		wrong = append(wrong, m.acknowledged(o)...)
		if o.What == setLimit && (o.Answer == done || o.Answer == maybe) {
			m.limits = append(m.limits, o)
		}
		if o.What == redeem && o.Key != "" {
			if _, known := m.intents[o.Customer+" "+o.Key]; !known {
				m.intents[o.Customer+" "+o.Key] = len(m.intents)
			}
		}
	}
	m.spareMaybes(ops)
	obeyed(ops, c)
	if len(wins) > bitsMax || len(m.intents) > bitsMax {
		return nil, append(wrong, fmt.Sprintf("%s has %d redemptions and %d keys: more than a model holds", of.name, len(wins), len(m.intents)))
	}
	return m, wrong
}

// acknowledged holds what an answer said to the list, and notes under which key a win was told.
func (m *codeModel) acknowledged(o *op) []string {
	if o.Redemption == "" || o.Answer == maybe {
		return nil
	}
	at, listed := m.byID[o.Redemption]
	switch {
	case !listed:
		return []string{"acknowledged, and not listed: " + describe(o)}
	case o.What == redeem && (m.wins[at].Rank != o.Rank || m.wins[at].Customer != o.Customer):
		return []string{fmt.Sprintf("acknowledged as %s, and listed as %+v", describe(o), m.wins[at].Redemption)}
	case o.What == rollback && o.Answer == done && !m.wins[at].rolledBack:
		return []string{"acknowledged, and it still stands: " + describe(o)}
	case o.What == redeem && o.Answer == done && o.Key != "":
		m.wins[at].key = o.Key
	}
	return nil
}

// obeyed widens the times of refusals to what is promised of them: each was true at some moment of the second
// before the request, though no earlier than the last change that the same server has acknowledged, which
// it obeys at once. All else is as true as the store. What the store's clock may have shown is widened with it: a fault
// that moved it may have ended between that moment and the request.
func obeyed(ops []*op, c *clock) {
	for _, o := range ops {
		if o.What != redeem || o.Answer != soldOut && o.Answer != closed && o.Answer != ended && o.Answer != notYet {
			continue
		}
		since := o.Call - int64(voucher.FactFreshFor)
		for _, change := range ops {
			opens := change.What == rollback || change.What == setLimit || change.What == setEnd || change.What == enable || change.What == disable
			if opens && change.Answer == done && !change.Replayed && change.Server == o.Server && change.Return < o.Call {
				since = max(since, change.Return+1)
			}
		}
		o.Earliest -= (o.Call - since) / int64(time.Microsecond)
		o.Call = since
		if c != nil { // nil: nobody moved it
			early, late := c.between(o.Call, o.Return)
			o.Earliest, o.Latest = min(o.Earliest, early), max(o.Latest, late)
		}
	}
}

func newWalletModel(wins []win, ops []*op) *walletModel {
	m := &walletModel{wins: slices.Clone(wins), byID: map[string]int{}}
	for i := range m.wins {
		m.byID[m.wins[i].ID] = i
	}
	for _, o := range ops {
		if at, listed := m.byID[o.Redemption]; listed && o.What == redeem && o.Answer == done {
			m.wins[at].key = o.Key
		}
	}
	return m
}

// operations are the ops of a history that have to do with it.
func operations(ops []*op, can func(*op) bool) []porcupine.Operation {
	var all []porcupine.Operation
	for _, o := range ops {
		if o.Answer == maybe && (o.What == report || o.What == balance) {
			continue // what was read, and never told, is nothing
		}
		if o.Answer != wrong && can(o) {
			all = append(all, porcupine.Operation{ClientId: o.Client, Input: o, Call: o.Call, Return: o.Return})
		}
	}
	return all
}
