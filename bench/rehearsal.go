package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"strconv"
	"time"
)

// How fast scrip stampede can ask at all, so that it is known not to measure itself: against a server that
// looks like one whose only code is sold out, and that decodes the request and answers a constant. wrk asks
// the same.

const (
	// rehearsalCustomers bounds a run of the stampede, which takes as long as it takes; the check of every
	// customer's wallet comes on top.
	rehearsalCustomers   = 100_000
	rehearsalConnections = 64
	rehearsalWaitMax     = 2 * time.Minute
)

const (
	soldOutVoucher = `{"id":"vch_1","object":"voucher","campaign":"cmp_1","code":"REHEARSAL","limit":1,"per_customer":1,` +
		`"status":"sold_out","redeemed":1,"remaining":0,"effect":{"kind":"credit","amount":1000,"currency":"IRR"}}`
	soldOutCampaign = `{"id":"cmp_1","object":"campaign","name":"Rehearsal","currency":"IRR",` +
		`"effect":{"kind":"credit","amount":1000,"currency":"IRR"},"budget":{},"status":"active","redeemed":1,"given":1000}`
	soldOutProblem = `{"type":"about:blank","title":"Bad Request","status":400,"detail":"This code is sold out.",` +
		`"code":"quantity_exceeded","retryable":false}`
	emptyWallet = `{"object":"wallet","balances":[]}`
)

// addRehearsal adds the routes that a stampede uses.
func addRehearsal(mux *http.ServeMux) {
	constant := func(body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, body)
		}
	}
	mux.HandleFunc("POST /v1/vouchers/lookup", constant(soldOutVoucher))
	mux.HandleFunc("GET /v1/campaigns/{id}", constant(soldOutCampaign))
	mux.HandleFunc("GET /v1/wallets/{customer}", constant(emptyWallet))
	mux.HandleFunc("POST /v1/redemptions", func(w http.ResponseWriter, r *http.Request) {
		var body struct {
			Code     string `json:"code"`
			Customer string `json:"customer"`
		}
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil || body.Code == "" || body.Customer == "" {
			http.Error(w, "bad request", http.StatusUnprocessableEntity)
			return
		}
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, soldOutProblem)
	})
}

// rehearsalResult is the stampede's rate beside wrk's, on the same server.
type rehearsalResult struct {
	Connections int       `json:"connections"`
	Wrk         []sample  `json:"wrk"`
	Stampede    []float64 `json:"stampede_per_second"`
}

func (r *rehearsalResult) ratio() float64 {
	return median(r.Stampede) / median(each(r.Wrk, sample.rate))
}

func (b *bench) rehearsal(ctx context.Context) (*rehearsalResult, error) {
	bare, err := startBare(ctx)
	if err != nil {
		return nil, err
	}
	defer bare.stop()
	r := &rehearsalResult{Connections: rehearsalConnections}
	for round := range b.runs + 1 { // the first only warms up
		b.say("stampede, round %d of %d", round, b.runs)
		l, err := b.load(bare.base, apiRoute(), "REHEARSAL", rehearsalConnections)
		if err != nil {
			return nil, err
		}
		s, err := b.wrk.run(ctx, l)
		if err != nil {
			return nil, err
		}
		if s.Non2xx != s.Requests {
			return nil, errors.New("the server for the stampede does not refuse everybody")
		}
		rate, err := b.stampede(ctx, bare.base)
		if err != nil {
			return nil, err
		}
		if round > 0 {
			r.Wrk, r.Stampede = append(r.Wrk, s), append(r.Stampede, rate)
		}
	}
	return r, nil
}

// stampede runs scrip stampede once and returns its rate while it asked.
func (b *bench) stampede(ctx context.Context, base string) (float64, error) {
	ctx, cancel := context.WithTimeout(ctx, rehearsalWaitMax)
	defer cancel()
	cmd := exec.CommandContext(ctx, b.binary, "stampede", "--json", "--url", base, "--code", "REHEARSAL",
		"--customers", strconv.Itoa(rehearsalCustomers), "--concurrency", strconv.Itoa(rehearsalConnections))
	cmd.Dir = b.dir
	out, err := cmd.Output()
	var summary struct {
		Rate     float64          `json:"rate_per_second"`
		Exact    bool             `json:"exact"`
		Refusals map[string]int64 `json:"refusals"`
		Wrong    []string         `json:"wrong"`
	}
	if json.Unmarshal(out, &summary) != nil {
		return 0, fmt.Errorf("scrip stampede: %w: %.500s", errors.Join(err, errors.New("no summary")), out)
	}
	if err != nil || !summary.Exact || summary.Refusals["quantity_exceeded"] != rehearsalCustomers {
		return 0, fmt.Errorf("scrip stampede finds its own server wrong: %w: %q", err, summary.Wrong)
	}
	return summary.Rate, nil
}
