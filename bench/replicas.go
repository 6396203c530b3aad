package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Several replicas of one store: a crowd spread over them, and what it leaves of the losers for the database.

const (
	replicaCount     = 3
	crowdCustomers   = 200_000
	crowdUses        = 1_000
	crowdConnections = 192
	// crowdCommandsMax is the uses and two full batches of each replica: the one that was being formed and the
	// one under way as the last use went.
	crowdCommandsMax = crowdUses + 2*replicaCount*maxBatch
	maxBatch         = 1024 // of a server that is told nothing
	crowdWaitMax     = 5 * time.Minute
)

// crowdResult is what the crowds came to, one of each run.
type crowdResult struct {
	Commands []float64 `json:"redemption_commands"` // that reached PostgreSQL
	Rate     []float64 `json:"answers_per_second"`
}

func (b *bench) manyReplicas(ctx context.Context, k *backing, r *report) error {
	database, err := k.database(ctx)
	if err != nil {
		return err
	}
	var replicas []*server
	defer func() {
		for _, s := range replicas {
			s.stop()
		}
	}()
	for i := range replicaCount {
		s, _, err := b.serve(ctx, filepath.Join(b.dir, "replica"+strconv.Itoa(i)), k.flags(database)...)
		if err != nil {
			return err
		}
		replicas = append(replicas, s)
	}
	if r.Crowd, err = b.crowds(ctx, replicas); err != nil {
		return err
	}
	for _, connections := range b.connections {
		lost, err := b.refusals(ctx, replicas, connections)
		if err != nil {
			return err
		}
		r.Replicas = append(r.Replicas, lost)
	}
	return nil
}

// crowds lets a crowd ask for few uses, on all replicas at once, and counts the commands that came through to
// the database. Each must be exact.
func (b *bench) crowds(ctx context.Context, replicas []*server) (*crowdResult, error) {
	r := &crowdResult{}
	for round := range b.runs {
		b.say("a crowd of %d, round %d of %d", crowdCustomers, round+1, b.runs)
		code, err := replicas[0].newCode(ctx, crowdUses)
		if err != nil {
			return nil, err
		}
		before, err := commands(ctx, replicas)
		if err != nil {
			return nil, err
		}
		rate, err := b.crowd(ctx, replicas, code)
		if err != nil {
			return nil, err
		}
		after, err := commands(ctx, replicas)
		if err != nil {
			return nil, err
		}
		r.Commands, r.Rate = append(r.Commands, after-before), append(r.Rate, rate)
	}
	return r, nil
}

// crowd runs scrip stampede over the replicas and returns its rate while it asked.
func (b *bench) crowd(ctx context.Context, replicas []*server, code string) (float64, error) {
	ctx, cancel := context.WithTimeout(ctx, crowdWaitMax)
	defer cancel()
	args := []string{
		"stampede", "--json", "--code", code, "--customers", strconv.Itoa(crowdCustomers),
		"--concurrency", strconv.Itoa(crowdConnections / replicaCount), "--url", replicas[0].base,
	}
	for _, s := range replicas[1:] {
		args = append(args, "--replica", s.base)
	}
	cmd := exec.CommandContext(ctx, b.binary, args...)
	cmd.Dir = b.dir
	out, err := cmd.Output()
	var summary struct {
		Rate    float64  `json:"rate_per_second"`
		Exact   bool     `json:"exact"`
		Winners int64    `json:"winners"`
		Wrong   []string `json:"wrong"`
	}
	if json.Unmarshal(out, &summary) != nil {
		return 0, fmt.Errorf("scrip stampede: %w: %.500s", errors.Join(err, errors.New("no summary")), out)
	}
	if err != nil || !summary.Exact || summary.Winners != crowdUses {
		return 0, fmt.Errorf("the crowd was not exact: %w: %d won, %q", err, summary.Winners, summary.Wrong)
	}
	return summary.Rate, nil
}

// commands is how many commands all replicas have given to the store since their start.
func commands(ctx context.Context, replicas []*server) (float64, error) {
	sum := 0.0
	for _, s := range replicas {
		n, err := s.metric(ctx, "scrip_batch_size_sum ")
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return sum, nil
}

// metric is the sum of the samples whose lines begin with prefix.
func (s *server) metric(ctx context.Context, prefix string, also ...string) (float64, error) {
	text, err := s.sdk.Metrics(ctx)
	if err != nil {
		return 0, err
	}
	sum := 0.0
lines:
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, prefix) {
			continue
		}
		for _, part := range also {
			if !strings.Contains(line, part) {
				continue lines
			}
		}
		value := line[strings.LastIndexByte(line, ' ')+1:]
		n, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return sum, nil
}

// refusals measures sold-out refusals of all replicas at once, one wrk each, against as many bare handlers.
func (b *bench) refusals(ctx context.Context, replicas []*server, connections int) (*series, error) {
	lost := &series{Name: "refuse sold out, POST /codes/use", Connections: connections, Floor: refuseFloor}
	code, err := replicas[0].soldOutCode(ctx)
	if err != nil {
		return nil, err
	}
	bare := make([]*process, len(replicas))
	defer func() {
		for _, p := range bare {
			if p != nil {
				p.stop()
			}
		}
	}()
	for i := range bare {
		if bare[i], err = startBare(ctx); err != nil {
			return nil, err
		}
	}
	each := max(connections/len(replicas), wrkThreads)
	for round := range b.runs + 1 { // the first only warms up
		b.say("%d replicas, %d connections, round %d of %d", len(replicas), connections, round, b.runs)
		reference, err := sideBySide(len(bare), func(i int) (sample, error) { return b.bareRun(ctx, bare[i].base, each) })
		if err != nil {
			return nil, err
		}
		measured, err := sideBySide(len(replicas), func(i int) (sample, error) { return b.refuseRun(ctx, replicas[i], code, each) })
		if err != nil {
			return nil, err
		}
		if round > 0 {
			lost.add(reference, measured)
		}
	}
	return lost, nil
}

// sideBySide runs n loads at once and adds them up; the latencies are those of the slowest.
func sideBySide(n int, run func(i int) (sample, error)) (sample, error) {
	samples, errs := make([]sample, n), make([]error, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { samples[i], errs[i] = run(i) })
	}
	all.Wait()
	sum := sample{}
	for _, s := range samples {
		sum.Requests += s.Requests
		sum.Non2xx += s.Non2xx
		sum.DurationUS = max(sum.DurationUS, s.DurationUS)
		sum.P50US, sum.P99US, sum.MaxUS = max(sum.P50US, s.P50US), max(sum.P99US, s.P99US), max(sum.MaxUS, s.MaxUS)
	}
	return sum, errors.Join(errs...)
}
