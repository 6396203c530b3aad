package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"scrip/client"
)

const (
	benchCredit   = 1000
	settleWaitMax = 15 * time.Second
	settlePoll    = 100 * time.Millisecond
)

// server is a running scrip serve with an SDK client to it.
type server struct {
	*process
	sdk   *client.Client
	key   string // API key, empty where the server is open
	codes int
}

// serve starts a server on a data folder, which is made if it is missing, and returns it with the time
// that it took to be ready.
func (b *bench) serve(ctx context.Context, data string, flags ...string) (*server, time.Duration, error) {
	p, took, err := startScrip(ctx, b.binary, data, flags...)
	if err != nil {
		return nil, 0, err
	}
	s, err := newServer(p, "")
	if err != nil {
		p.stop()
		return nil, 0, err
	}
	return s, took, nil
}

// newServer is a process with a client that calls it, by a key where there is one.
func newServer(p *process, key string) (*server, error) {
	var options []client.Option
	if key != "" {
		options = append(options, client.WithKey(key))
	}
	sdk, err := client.New(p.base, options...)
	return &server{process: p, sdk: sdk, key: key}, err
}

// newCode makes a shared code; limit 0 is none.
func (s *server) newCode(ctx context.Context, limit int64) (string, error) {
	s.codes++
	code := "BENCH" + strconv.FormatInt(time.Now().UnixMilli(), 10) + "N" + strconv.Itoa(s.codes)
	voucher := &client.NewCampaignVoucher{Code: code}
	if limit != 0 {
		voucher.Limit = &limit
	}
	_, err := s.sdk.CreateCampaign(ctx, client.NewCampaign{
		Name: code, Effect: client.Effect{Kind: client.EffectCredit, Amount: benchCredit}, Voucher: voucher,
	})
	return code, err
}

// soldOutCode makes a code that its only use is gone from.
func (s *server) soldOutCode(ctx context.Context) (string, error) {
	code, err := s.newCode(ctx, 1)
	if err != nil {
		return "", err
	}
	if _, err := s.sdk.Use(ctx, code, "the winner"); err != nil {
		return "", err
	}
	if _, err := s.sdk.Use(ctx, code, "a loser"); client.CodeOf(err) != client.CodeQuantityExceeded {
		return "", fmt.Errorf("a sold-out code answers %w", err)
	}
	return code, nil
}

// redeemed is how many redemptions of a code stand.
func (s *server) redeemed(ctx context.Context, code string) (int64, error) {
	v, err := s.sdk.LookupVoucher(ctx, code)
	if err != nil {
		return 0, err
	}
	return v.Redeemed, nil
}

// settled is redeemed once the requests that were under way as wrk hung up have ended: when it has not
// changed for a while.
func (s *server) settled(ctx context.Context, code string) (int64, error) {
	const calm = 3 // equal answers in a row
	last, equal := int64(-1), 0
	for until := time.Now().Add(settleWaitMax); time.Now().Before(until); {
		now, err := s.redeemed(ctx, code)
		if err != nil {
			return 0, err
		}
		if now == last {
			equal++
		} else {
			last, equal = now, 0
		}
		if equal == calm {
			return now, nil
		}
		time.Sleep(settlePoll)
	}
	return 0, errors.New("the server does not come to rest")
}

// refusedSoldOut is how many requests the server has refused as sold out since its start.
func (s *server) refusedSoldOut(ctx context.Context) (int64, error) {
	n, err := s.metric(ctx, "scrip_refusals_total{", `reason="quantity_exceeded"`)
	return int64(n), err
}
