package stampede_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"scrip/client"
	"scrip/internal/id"
)

// fake is a server of one code that can be told to lie. It is honest as it is made.
type fake struct {
	mu       sync.Mutex
	limit    int64
	credit   int64
	redeemed int64
	ranked   int64
	receipts map[string]*client.Redemption // by customer
	wallets  map[string]int64

	// The lies.
	oversell    int64            // this many more than the limit
	undersell   int64            // this many fewer
	sameRank    int64            // this rank is given to the next one too
	skipRank    int64            // this rank is given to nobody
	creditTwice int64            // the winner of this rank gets it twice
	creditNot   int64            // the winner of this rank gets nothing
	creditLoser bool             // the first loser is credited
	wrongCount  int64            // the report is off by so many
	newReceipt  bool             // who asks again gets another receipt in the refusal
	forgetKeys  bool             // a key is not remembered: the retry is refused
	loserWins   bool             // a loser who asks again wins
	asked       map[string]int   // how often a customer has asked
	garble      func(int64) bool // the connection is cut instead of answering this request
	stall       func(int64) bool // this request is answered 503
	requests    int64
	hold        chan struct{} // if set, redemptions wait for it
}

func newFake(limit int64) *fake {
	return &fake{
		limit: limit, credit: 1000, receipts: map[string]*client.Redemption{}, wallets: map[string]int64{}, asked: map[string]int{},
	}
}

func (f *fake) start(t *testing.T) string {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/vouchers/lookup", f.lookup)
	mux.HandleFunc("GET /v1/campaigns/{id}", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, client.Campaign{ID: "cmp_x", Currency: "IRR", Status: client.CampaignActive})
	})
	mux.HandleFunc("POST /v1/redemptions", f.redeem)
	mux.HandleFunc("GET /v1/wallets/{customer}", f.wallet)
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s.URL
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

func (f *fake) lookup(w http.ResponseWriter, _ *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	left, redeemed := f.limit-f.redeemed, f.redeemed
	status := client.VoucherOpen
	if left <= 0 {
		status = client.VoucherSoldOut
	}
	if f.redeemed > 0 {
		left, redeemed = left-f.wrongCount, redeemed+f.wrongCount
	}
	answer(w, http.StatusOK, client.Voucher{
		ID: "vch_x", Campaign: "cmp_x", Code: "salam", Limit: &f.limit, PerCustomer: 1, Status: status,
		Redeemed: redeemed, Remaining: &left,
		Effect: client.Effect{Kind: client.EffectCredit, Amount: f.credit, Currency: "IRR"},
	})
}

func (f *fake) redeem(w http.ResponseWriter, r *http.Request) {
	if f.hold != nil {
		<-f.hold
	}
	var body client.RedeemRequest
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		answer(w, http.StatusBadRequest, client.Error{Code: client.CodeMalformedJSON})
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.requests++
	cut := f.garble != nil && f.garble(f.requests)
	if f.stall != nil && f.stall(f.requests) {
		answer(w, http.StatusServiceUnavailable, client.Error{Code: client.CodeOverloaded, Retryable: true})
		return
	}
	status, out := f.judge(body.Customer, r.Header.Get("Idempotency-Key"))
	if cut { // done, but not told
		panic(http.ErrAbortHandler)
	}
	answer(w, status, out)
}

func (f *fake) judge(customer, key string) (int, any) {
	f.asked[customer]++
	if first := f.receipts[customer]; first != nil {
		if key != "" && !f.forgetKeys {
			return http.StatusCreated, first
		}
		shown := *first
		if f.newReceipt {
			shown.ID = id.New(time.Now()).Format(id.Redemption)
		}
		return http.StatusUnprocessableEntity, client.Error{Code: client.CodeAlreadyRedeemed, Redemption: &shown}
	}
	late := f.loserWins && f.asked[customer] > 1
	if f.redeemed >= f.limit+f.oversell-f.undersell && !late {
		if f.creditLoser {
			f.creditLoser = false
			f.wallets[customer] = f.credit
		}
		return http.StatusGone, client.Error{Code: client.CodeQuantityExceeded}
	}
	f.redeemed++
	f.ranked++
	rank := f.ranked
	if rank == f.skipRank {
		f.ranked++
		rank++
	}
	if f.sameRank != 0 && rank == f.sameRank+1 {
		f.ranked--
		rank--
		f.sameRank = 0
	}
	f.receipts[customer] = &client.Redemption{ID: id.New(time.Now()).Format(id.Redemption), Code: "salam", Customer: customer, Rank: rank, Limit: &f.limit}
	switch {
	case f.creditTwice == rank:
		f.wallets[customer] += 2 * f.credit
	case f.creditNot != rank:
		f.wallets[customer] += f.credit
	}
	return http.StatusCreated, f.receipts[customer]
}

func (f *fake) wallet(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := client.Wallet{Customer: r.PathValue("customer"), Balances: []client.Money{}}
	if n, ok := f.wallets[out.Customer]; ok {
		out.Balances = append(out.Balances, client.Money{Amount: n, Currency: "IRR"})
	}
	answer(w, http.StatusOK, out)
}
