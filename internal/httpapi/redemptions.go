package httpapi

import (
	"errors"
	"net/http"

	"scrip/internal/fault"
	"scrip/internal/id"
	"scrip/internal/money"
	"scrip/internal/redemption"
	"scrip/internal/voucher"
)

type orderRequest struct {
	ID       string `json:"id"`
	Amount   number `json:"amount"`
	Currency string `json:"currency"`
}

type redeemRequest struct {
	Code     string        `json:"code"`
	Customer string        `json:"customer"`
	Order    *orderRequest `json:"order"`
}

// request is r in the use case's words.
func (r *redeemRequest) request(key string) (redemption.Request, error) {
	out := redemption.Request{Code: r.Code, Customer: r.Customer, Key: key, Face: faceV1}
	if r.Order == nil {
		return out, nil
	}
	if !r.Order.Amount.given {
		return out, fault.ErrInvalidAmount.On("order.amount")
	}
	minor, err := r.Order.Amount.amount("order.amount")
	if err != nil {
		return out, err
	}
	currency, err := money.ParseCurrency(r.Order.Currency)
	if err != nil {
		return out, fault.ErrInvalidCurrency.On("order.currency")
	}
	out.Order = &voucher.Order{ID: r.Order.ID, AmountMinor: minor, Currency: currency}
	return out, nil
}

func (s *server) redeem(x *exchange) error {
	if err := x.decode(&x.redeem); err != nil {
		return err
	}
	req, err := x.redeem.request(x.key)
	if err != nil {
		return err
	}
	if err := x.try(req.Customer, req.Code); err != nil {
		return err
	}
	req.Client, req.Veiled = x.r.Context(), x.veiled()
	res, err := s.svc.Redemptions.Redeem(x.waiting(), req)
	x.tried(err, res.Replayed)
	if err != nil {
		x.first = res.Redemption
		if x.public() {
			return hidden(faultOf(err))
		}
		return err
	}
	x.replayed = res.Replayed
	x.status = http.StatusCreated
	if x.public() {
		x.out = appendPublicRedemption(x.out, res.Redemption, true)
		return nil
	}
	x.out = appendRedemption(x.out, res.Redemption, asItWas)
	return nil
}

type batchItem struct {
	Code     string           `json:"code"`
	Customer string           `json:"customer"`
	Order    *orderRequest    `json:"order"`
	Key      optional[string] `json:"idempotency_key"`
}

type batchRequest struct {
	Redemptions []batchItem `json:"redemptions"`
}

const batchMax = 100 // items, as a page has

func (s *server) redeemBatch(x *exchange) error {
	var req batchRequest
	if err := x.decode(&req); err != nil {
		return err
	}
	if n := len(req.Redemptions); n == 0 || n > batchMax {
		return fault.ErrInvalidRequest.Says("A batch has 1 to 100 redemptions.").On("redemptions")
	}
	if err := x.limitItems(len(req.Redemptions)); err != nil {
		return err
	}
	verdicts := make([]redemption.Verdict, len(req.Redemptions))
	sound := make([]redemption.Request, 0, len(verdicts))
	at := make([]int, 0, len(verdicts))
	for i := range req.Redemptions {
		r, err := req.Redemptions[i].request()
		if err != nil {
			verdicts[i].Err = err
			continue
		}
		r.Client = x.r.Context()
		sound, at = append(sound, r), append(at, i)
	}
	for j, v := range s.svc.Redemptions.RedeemAll(x.waiting(), sound) {
		v.Err = ofItem(v.Err)
		verdicts[at[j]] = v
	}
	x.out = append(x.out, `{"object":"list","data":[`...)
	for i := range verdicts {
		if i > 0 {
			x.out = append(x.out, ',')
		}
		x.out = appendVerdict(x.out, &verdicts[i], x.requestID)
	}
	x.out = append(x.out, `]}`...)
	return nil
}

func (b *batchItem) request() (redemption.Request, error) {
	key := b.Key.value
	if b.Key.given && !validKey(key) {
		return redemption.Request{}, ofItem(fault.ErrInvalidKey)
	}
	r := redeemRequest{Code: b.Code, Customer: b.Customer, Order: b.Order}
	return r.request(key)
}

// ofItem calls the key in a fault about it what an item of a batch calls it.
func ofItem(err error) error {
	if errors.Is(err, fault.ErrKeyReused) || errors.Is(err, fault.ErrInvalidKey) {
		return faultOf(err).On("idempotency_key")
	}
	return err
}

func (s *server) validate(x *exchange) error {
	if err := x.decode(&x.redeem); err != nil {
		return err
	}
	req, err := x.redeem.request("")
	if err != nil {
		return err
	}
	if err := x.try(req.Customer, req.Code); err != nil {
		return err
	}
	req.Veiled = x.veiled()
	v, err := s.svc.Redemptions.Validate(x.waiting(), req)
	if err != nil {
		x.judged(faultOf(err))
		return err
	}
	x.judged(v.Refusal)
	x.out = appendValidation(x.out, &v, x.requestID, x.public())
	return nil
}

func (s *server) getRedemption(x *exchange) error {
	if _, err := x.query(); err != nil {
		return err
	}
	of, err := x.pathID("redemption", id.Redemption)
	if err != nil {
		return err
	}
	ctx, cancel := x.reading()
	defer cancel()
	r, err := s.svc.Redemptions.Get(ctx, of)
	if err != nil {
		return err
	}
	x.out = appendRedemption(x.out, r, asItIs)
	return nil
}

func (s *server) listRedemptions(x *exchange) error {
	q, page, err := x.pageQuery(id.Redemption, "customer", "voucher", "campaign")
	if err != nil {
		return err
	}
	filter, err := redemptionFilter(q)
	if err != nil {
		return err
	}
	ctx, cancel := x.reading()
	defer cancel()
	rs, more, err := s.svc.Redemptions.List(ctx, filter, page)
	if err != nil {
		return err
	}
	x.out = appendList(x.out, rs, more, func(dst []byte, r *voucher.Redemption) []byte {
		return appendRedemption(dst, r, asItIs)
	})
	return nil
}

func redemptionFilter(q query) (redemption.Filter, error) {
	var f redemption.Filter
	given := 0
	for _, name := range []string{"customer", "voucher", "campaign"} {
		if _, ok := q.get(name); ok {
			given++
		}
	}
	if given > 1 {
		return f, fault.ErrInvalidRequest.Says("Ask for the redemptions of a customer, of a voucher or of a campaign, one at a time.")
	}
	customer, ok := q.get("customer")
	if ok && customer == "" {
		return f, fault.ErrInvalidCustomer
	}
	f.Customer = customer
	var err error
	if f.Voucher, err = q.id("voucher", id.Voucher); err != nil {
		return f, err
	}
	f.Campaign, err = q.id("campaign", id.Campaign)
	return f, err
}

type rollbackRequest struct {
	Reason string `json:"reason"`
}

func (s *server) rollBack(x *exchange) error {
	of, err := x.pathID("redemption", id.Redemption)
	if err != nil {
		return err
	}
	var req rollbackRequest
	if err := x.decodeOptional(&req); err != nil {
		return err
	}
	res, err := s.svc.Redemptions.Rollback(x.waiting(), redemption.RollbackRequest{
		Redemption: of, Reason: req.Reason, Key: x.key, Client: x.r.Context(),
	})
	if err != nil {
		return err
	}
	x.replayed = res.Replayed
	x.status = http.StatusCreated
	x.out = appendRollback(x.out, res.Rollback)
	return nil
}
