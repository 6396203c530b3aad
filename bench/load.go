package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
)

// series is the runs of one kind of load, beside the runs of what it is compared to.
type series struct {
	Name        string   `json:"name"`
	Connections int      `json:"connections"`
	Floor       float64  `json:"floor"`              // the least ratio that is asked for
	TailMax     float64  `json:"tail_max,omitempty"` // the largest p99/p50 that is asked for, 0 for none
	Reference   []sample `json:"reference"`
	Measured    []sample `json:"measured"`
}

// ratio is the median rate over the median rate of the reference.
func (s *series) ratio() float64 {
	return median(each(s.Measured, sample.rate)) / median(each(s.Reference, sample.rate))
}

// tail is the median over the runs of p99 over p50.
func (s *series) tail() float64 {
	return median(each(s.Measured, func(m sample) float64 { return float64(m.P99US) / float64(max(m.P50US, 1)) }))
}

// route is a way to redeem.
type route struct{ path, field string }

func seedRoute() route { return route{"/codes/use", "mobile"} }

func apiRoute() route { return route{"/v1/redemptions", "customer"} }

// underLoad measures durable accepts and sold-out refusals against the bare handler: in each round the
// bare handler first and then each of the others, so that a slow minute of the machine hits all alike.
// accept is the least ratio of accepts.
func (b *bench) underLoad(ctx context.Context, bare string, scrip *server, connections int, accept float64) ([]*series, error) {
	seed := &series{Name: "accept, POST /codes/use", Connections: connections, Floor: accept, TailMax: tailMax}
	api := &series{Name: "accept, POST /v1/redemptions", Connections: connections, Floor: accept, TailMax: tailMax}
	lost := &series{Name: "refuse sold out, POST /codes/use", Connections: connections, Floor: refuseFloor}
	soldOut, err := scrip.soldOutCode(ctx)
	if err != nil {
		return nil, err
	}
	for round := range b.runs + 1 { // the first only warms up
		b.say("%d connections, round %d of %d", connections, round, b.runs)
		reference, err := b.bareRun(ctx, bare, connections)
		if err != nil {
			return nil, err
		}
		accepted, err := b.acceptRun(ctx, scrip, seedRoute(), connections)
		if err != nil {
			return nil, err
		}
		acceptedToo, err := b.acceptRun(ctx, scrip, apiRoute(), connections)
		if err != nil {
			return nil, err
		}
		refused, err := b.refuseRun(ctx, scrip, soldOut, connections)
		if err != nil {
			return nil, err
		}
		if round > 0 {
			seed.add(reference, accepted)
			api.add(reference, acceptedToo)
			lost.add(reference, refused)
		}
	}
	return []*series{seed, api, lost}, nil
}

func (s *series) add(reference, measured sample) {
	s.Reference, s.Measured = append(s.Reference, reference), append(s.Measured, measured)
}

func (b *bench) bareRun(ctx context.Context, base string, connections int) (sample, error) {
	l, err := b.load(base, seedRoute(), "BENCH", connections)
	if err != nil {
		return sample{}, err
	}
	s, err := b.wrk.run(ctx, l)
	if err == nil && s.Non2xx > 0 {
		err = fmt.Errorf("the bare handler refused %d requests", s.Non2xx)
	}
	return s, err
}

// load is a run with customers who were never used before.
func (b *bench) load(base string, r route, code string, connections int) (load, error) {
	span := int64(b.duration.Seconds() * threadRateMax)
	first, err := b.customers(wrkThreads * span)
	return load{
		base: base, path: r.path, field: r.field, code: code,
		first: first, span: span, connections: connections, duration: b.duration,
	}, err
}

// acceptRun loads a new unlimited code.
func (b *bench) acceptRun(ctx context.Context, scrip *server, r route, connections int) (sample, error) {
	l, err := b.load(scrip.base, r, "", connections)
	if err != nil {
		return sample{}, err
	}
	l.key = scrip.key
	return b.accepts(ctx, scrip, l)
}

// accepts runs a load on a new unlimited code and holds the server to its word: every response was a
// success, and the redemptions that are there are those that were answered, and at most as many more as
// were under way when wrk hung up.
func (b *bench) accepts(ctx context.Context, scrip *server, l load) (sample, error) {
	var err error
	if l.code, err = scrip.newCode(ctx, 0); err != nil {
		return sample{}, err
	}
	s, err := b.wrk.run(ctx, l)
	if err != nil {
		return s, err
	}
	if s.Non2xx > 0 {
		return s, fmt.Errorf("%s: %d of %d responses are no success", l.path, s.Non2xx, s.Requests)
	}
	won, err := scrip.settled(ctx, l.code)
	if err != nil {
		return s, err
	}
	if won < s.Requests || won > s.Requests+int64(l.connections) {
		return s, fmt.Errorf("%s: %d successes were answered, %d are there", l.path, s.Requests, won)
	}
	return s, nil
}

// refuseRun loads a sold-out code: every response must be a refusal, for that reason, and nobody wins.
func (b *bench) refuseRun(ctx context.Context, scrip *server, code string, connections int) (sample, error) {
	before, err := scrip.refusedSoldOut(ctx)
	if err != nil {
		return sample{}, err
	}
	l, err := b.load(scrip.base, seedRoute(), code, connections)
	if err != nil {
		return sample{}, err
	}
	l.key = scrip.key
	s, err := b.wrk.run(ctx, l)
	if err != nil {
		return s, err
	}
	won, err := scrip.settled(ctx, code)
	if err != nil {
		return s, err
	}
	after, err := scrip.refusedSoldOut(ctx)
	if err != nil {
		return s, err
	}
	if s.Non2xx != s.Requests || won != 1 || after-before < s.Requests || after-before > s.Requests+int64(connections) {
		return s, fmt.Errorf("sold out: of %d responses %d are refusals, %d of them for that reason, and %d won",
			s.Requests, s.Non2xx, after-before, won)
	}
	return s, nil
}

// grown measures durable accepts into a file that is full already, against accepts into an empty one,
// with customers whom the full file has never seen and with customers whom it knows.
func (b *bench) grown(ctx context.Context, connections int, full *server) ([]*series, error) {
	fresh := &series{Name: "accept into the full file, new customers", Connections: connections, Floor: growthFloor}
	known := &series{Name: "accept into the full file, known customers", Connections: connections, Floor: growthFloor}
	span := b.growth / wrkThreads / int64(b.runs+1) // others in each round, so that no round warms up the next
	for round := range b.runs + 1 {                 // the first only warms up
		b.say("growth, %d connections, round %d of %d", connections, round, b.runs)
		reference, err := b.intoEmpty(ctx, connections)
		if err != nil {
			return nil, err
		}
		strangers, err := b.acceptRun(ctx, full, seedRoute(), connections)
		if err != nil {
			return nil, err
		}
		acquainted, err := b.accepts(ctx, full, load{
			base: full.base, path: seedRoute().path, field: seedRoute().field,
			first: int64(round) * wrkThreads * span, span: span, connections: connections, duration: b.duration,
		})
		if err != nil {
			return nil, err
		}
		if round > 0 {
			fresh.add(reference, strangers)
			known.add(reference, acquainted)
		}
	}
	return []*series{fresh, known}, nil
}

// intoEmpty is one run against a server with a new file.
func (b *bench) intoEmpty(ctx context.Context, connections int) (sample, error) {
	data := filepath.Join(b.dir, "empty")
	empty, _, err := b.serve(ctx, data)
	if err != nil {
		return sample{}, err
	}
	s, err := b.acceptRun(ctx, empty, seedRoute(), connections)
	empty.stop()
	if err != nil {
		return s, err
	}
	return s, os.RemoveAll(data)
}
