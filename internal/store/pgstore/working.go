package pgstore

import (
	"slices"
	"time"

	"scrip/internal/fault"
	"scrip/internal/id"
	"scrip/internal/ledger"
	"scrip/internal/store"
	"scrip/internal/voucher"
)

// working is what a batch sees and changes while it is judged: rows as the transaction read them, and
// what its commands did to them so far. It ends with the attempt.
type working struct {
	now time.Time
	row id.ID // of unsealed, which names what the batch wrote

	standbys bool // commits wait for some

	campaigns map[id.ID]*hotCampaign
	codes     map[string]*hotVoucher // by the code's key
	vouchers  map[id.ID]*hotVoucher
	claims    map[holder]*claim // on a voucher
	uses      map[holder]int64  // of a campaign that limits them for each customer

	purses   map[store.WalletRef]*purse
	accounts map[ledger.Account]ledger.Sum // what the batch adds to accounts that are neither wallets nor campaigns'

	keys        map[ownedKey]usedKey
	redemptions map[id.ID]*redemption
	rollbacks   map[id.ID]*voucher.Rollback
	posts       map[owned]ledger.Transfer

	made made

	// Where what is kept for each command lies together, instead of in pieces for the collector to visit.
	newPurses      slab[purse]
	newClaims      slab[claim]
	newRedemptions slab[redemption]
	newTransfers   slab[ledger.Transfer]
}

// slab hands out zero values that lie together. They live as long as the last of them.
type slab[T any] struct{ free []T }

const slabSize = 64 // values that a slab makes at once

func (s *slab[T]) next() *T {
	if len(s.free) == 0 {
		s.free = make([]T, slabSize)
	}
	v := &s.free[0]
	s.free = s.free[1:]
	return v
}

// made is what the batch adds to the tables that only grow.
type made struct {
	transfers   []entry
	redemptions []*redemption
	undone      []*redemption // stored ones, rolled back
	rollbacks   []*voucher.Rollback
	posts       []post
	keys        []keyed
}

// entry is a ledger entry with the campaign whose funding account one side of it is, if any.
type entry struct {
	*ledger.Transfer
	campaign id.ID
}

type hotVoucher struct {
	v        voucher.Voucher
	campaign *hotCampaign
	dirty    bool
}

type hotCampaign struct {
	c       voucher.Campaign
	funding ledger.Account
	dirty   bool
}

// holder is a customer together with a voucher or a campaign.
type holder struct {
	customer string
	of       id.ID
}

// claim is what a customer holds of a voucher.
type claim struct {
	standing int64
	highest  int64         // slot given so far; it does not fall within a batch
	first    []*redemption // the first uses, in order; some may be rolled back by now
}

// redemption is a receipt as it is at this point of the batch.
type redemption struct {
	voucher.Redemption
	slot   int64 // of one that the batch made
	stored bool
}

// purse is a wallet as it is at this point of the batch.
type purse struct {
	store.WalletRef
	balance, seq  int64
	stored, dirty bool
}

// owned is an id that is unique for each customer.
type owned struct {
	customer string
	id       id.ID
}

// ownedKey is an Idempotency-Key.
type ownedKey struct{ customer, key string }

// usedKey is what a key has caused.
type usedKey struct {
	kind        int16
	effect      id.ID
	fingerprint store.Fingerprint
}

// keyed is a key with what it has caused.
type keyed struct {
	ownedKey
	usedKey
}

// post is a post's own row: which ledger entries it made.
type post struct {
	out, in ledger.Transfer // in is zero but for a transfer between customers
}

// Kinds of command, as they stand beside an Idempotency-Key. Stored by number: never renumber.
const (
	kindRedeem   = 1
	kindRollback = 2
	kindPost     = 3
	kindCreate   = 4
)

// newWorking makes room for a batch that concerns this many customers.
func newWorking(customers int) *working {
	return &working{
		campaigns: map[id.ID]*hotCampaign{}, codes: map[string]*hotVoucher{}, vouchers: map[id.ID]*hotVoucher{},
		claims: make(map[holder]*claim, customers), uses: map[holder]int64{},
		purses: make(map[store.WalletRef]*purse, customers), accounts: map[ledger.Account]ledger.Sum{},
		keys: map[ownedKey]usedKey{}, redemptions: make(map[id.ID]*redemption, customers),
		rollbacks: map[id.ID]*voucher.Rollback{}, posts: map[owned]ledger.Transfer{},
	}
}

func (w *working) addCampaign(c voucher.Campaign) {
	w.campaigns[c.ID] = &hotCampaign{c: c, funding: ledger.FundingOf(c.ID, c.Currency)}
}

// addVoucher comes after all campaigns. One whose campaign is missing was made in between.
func (w *working) addVoucher(v voucher.Voucher) {
	h := &hotVoucher{v: v, campaign: w.campaigns[v.CampaignID]}
	w.codes[v.Key], w.vouchers[v.ID] = h, h
}

func (w *working) addUse(u use) {
	h := holder{u.first.Customer, u.first.VoucherID}
	c, known := w.claims[h]
	if !known {
		c = &claim{standing: u.standing, highest: u.highest}
		w.claims[h] = c
	}
	r, known := w.redemptions[u.first.ID]
	if !known {
		r = w.add(u.first)
	}
	if !slices.Contains(c.first, r) { // a pair asked for twice has its rows twice
		c.first = append(c.first, r)
	}
}

func (w *working) addUses(u uses) { w.uses[u.holder] = u.count }

func (w *working) addPurse(p *purse) { w.purses[p.WalletRef] = p }

func (w *working) addKey(k keyed) { w.keys[k.ownedKey] = k.usedKey }

// addRedemption keeps what is there already: first uses point to it.
func (w *working) addRedemption(r voucher.Redemption) {
	if _, known := w.redemptions[r.ID]; !known {
		w.add(r)
	}
}

func (w *working) add(r voucher.Redemption) *redemption {
	stored := w.newRedemptions.next()
	stored.Redemption, stored.stored = r, true
	w.redemptions[r.ID] = stored
	return stored
}

func (w *working) addRollback(b *voucher.Rollback) { w.rollbacks[b.ID] = b }

func (w *working) addPost(t ledger.Transfer) { w.posts[owned{t.Customer, t.ID}] = t }

// purse is a wallet, which is not there before its first transfer.
func (w *working) purse(ref store.WalletRef) *purse {
	p, known := w.purses[ref]
	if !known {
		p = w.newPurses.next()
		p.WalletRef = ref
		w.purses[ref] = p
	}
	return p
}

// claim is what a customer holds of a voucher.
func (w *working) claim(customer string, v id.ID) *claim {
	h := holder{customer, v}
	c, known := w.claims[h]
	if !known {
		c = w.newClaims.next()
		w.claims[h] = c
	}
	return c
}

// receipt is the first use that stands.
func (c *claim) receipt() *voucher.Redemption {
	for _, r := range c.first {
		if r.RolledBackAt.IsZero() {
			return r.copied()
		}
	}
	return nil
}

// copied is the receipt at this point, which a later command of the batch does not change.
func (r *redemption) copied() *voucher.Redemption {
	c := r.Redemption
	return &c
}

// replayed looks a key up. If it has caused something, the effect is there to be answered with, or the
// refusal says that it belongs to another request.
func (w *working) replayed(customer, key string, kind int16, fp store.Fingerprint) (effect id.ID, found bool, refusal *fault.Error) {
	if key == "" {
		return effect, false, nil
	}
	used, found := w.keys[ownedKey{customer, key}]
	if found && (used.kind != kind || used.fingerprint != fp) {
		return effect, false, fault.ErrKeyReused
	}
	return used.effect, found, nil
}

func (w *working) remember(customer, key string, kind int16, effect id.ID, fp store.Fingerprint) {
	if key == "" {
		return
	}
	k := keyed{ownedKey{customer, key}, usedKey{kind, effect, fp}}
	w.addKey(k)
	w.made.keys = append(w.made.keys, k)
}

// unchanged reports whether there is nothing to record. Every effect has a ledger entry.
func (w *working) unchanged() bool { return len(w.made.transfers) == 0 }
