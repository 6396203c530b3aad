package pgstore

import (
	"time"

	"scrip/internal/id"
	"scrip/internal/store"
)

// Statement is a query with its arguments.
type Statement struct {
	Query string
	Args  []any
}

// Pages are the statements of the lists that must go along an index, each from its newest end and from a
// cursor in both directions, by name.
func Pages() map[string]Statement {
	pages := map[string]Statement{}
	owner := id.ID{1}
	byID := [16]byte{2}
	add := func(name string, query func(limit int, c cursors) (string, []any), at any) {
		for way, c := range map[string]cursors{"": {}, ", after": {after: at}, ", before": {before: at}} {
			q, args := query(10, c)
			pages[name+way] = Statement{q, args}
		}
	}
	all, ofVoucher := redemptionList(store.RedemptionFilter{}), redemptionList(store.RedemptionFilter{Voucher: owner})
	ofCampaign, ofCustomer := redemptionList(store.RedemptionFilter{Campaign: owner}), redemptionList(store.RedemptionFilter{Customer: "ali"})
	vouchers, itsVouchers := voucherList(store.VoucherFilter{}), voucherList(store.VoucherFilter{Campaign: owner})
	campaigns, transfers := campaignList(), transferList(store.WalletRef{Customer: "ali", Currency: "IRR"})
	add("redemptions", all.query, byID)
	add("redemptions of a voucher", ofVoucher.query, byID)
	add("redemptions of a campaign", ofCampaign.query, byID)
	add("redemptions of a customer", ofCustomer.query, byID)
	add("vouchers", vouchers.query, byID)
	add("vouchers of a campaign", itsVouchers.query, byID)
	add("campaigns", campaigns.query, byID)
	add("transactions", transfers.query, int64(7))
	keys, events := accessKeyList(), eventList(store.EventFilter{})
	ofObject, ofActor := eventList(store.EventFilter{Object: "vch_1"}), eventList(store.EventFilter{Actor: owner})
	ofAction := eventList(store.EventFilter{Action: store.KeyCreated})
	add("keys", keys.query, byID)
	add("events", events.query, byID)
	add("events of an object", ofObject.query, byID)
	add("events of an actor", ofActor.query, byID)
	add("events of an action", ofAction.query, byID)
	return pages
}

// TrailStatements are what retention does and what a use of a key does, by name.
func TrailStatements() map[string]Statement {
	return map[string]Statement{
		"prune": {pruneQuery, []any{[16]byte{1}, time.Time{}, 10}},
		"touch": {touchQuery, []any{[][16]byte{{1}}, []time.Time{{}}}},
		"a key": {accessKeyByID, []any{[16]byte{1}}},
	}
}

// Now tells the store's clock what the database's said.
func (s *Store) Now(database time.Time) time.Time { return s.now(database) }

// Asked is the clock as a read begins.
func (s *Store) Asked() time.Time { return s.asked() }

// Moment is the time of a read.
func (s *Store) Moment(asked, told time.Time) time.Time { return s.moment(asked, told) }
