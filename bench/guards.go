package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
)

// guardsFloor is what is left of a server's rate, at the least, once it asks for keys, counts its callers and seals
// its ledger.
const guardsFloor = 0.95

// guards measures a server with keys, limits and seals against one without: the program of -before as it comes,
// or, where there is none, this one left open and with its sealing off. In each round the two have the same loads, one
// right after the other.
func (b *bench) guards(ctx context.Context) ([]*series, error) {
	plain, err := b.serveBefore(ctx)
	if err != nil {
		return nil, err
	}
	defer plain.stop()
	guarded, err := b.serveGuarded(ctx)
	if err != nil {
		return nil, err
	}
	defer guarded.stop()
	var all []*series
	for _, connections := range b.connections {
		load, err := b.guardsUnderLoad(ctx, plain, guarded, connections)
		if err != nil {
			return nil, err
		}
		all = append(all, load...)
	}
	return all, nil
}

// serveBefore serves what is compared to.
func (b *bench) serveBefore(ctx context.Context) (*server, error) {
	data := filepath.Join(b.dir, "plain")
	if b.before == "" {
		s, _, err := b.serve(ctx, data, "--seal-interval", "0")
		return s, err
	}
	binary := b.binary
	b.binary = b.before
	defer func() { b.binary = binary }()
	s, _, err := b.serve(ctx, data)
	return s, err
}

// serveGuarded serves with keys, limits and seals, and calls with the first key.
func (b *bench) serveGuarded(ctx context.Context) (*server, error) {
	file := filepath.Join(b.dir, "first-key")
	p, _, err := startScrip(ctx, b.binary, filepath.Join(b.dir, "guarded"), "--auth", "on", "--first-key-file", file)
	if err != nil {
		return nil, err
	}
	secret, err := os.ReadFile(file) //nolint:gosec // our own folder
	if err == nil {
		var s *server
		if s, err = newServer(p, strings.TrimSpace(string(secret))); err == nil {
			return s, nil
		}
	}
	p.stop()
	return nil, err
}

func (b *bench) guardsUnderLoad(ctx context.Context, plain, guarded *server, connections int) ([]*series, error) {
	plainGone, err := plain.soldOutCode(ctx)
	if err != nil {
		return nil, err
	}
	guardedGone, err := guarded.soldOutCode(ctx)
	if err != nil {
		return nil, err
	}
	kinds := []struct {
		series *series
		run    func(s *server, gone string) (sample, error)
	}{
		{
			&series{Name: "accept, POST /codes/use", Connections: connections, Floor: guardsFloor},
			func(s *server, _ string) (sample, error) { return b.acceptRun(ctx, s, seedRoute(), connections) },
		},
		{
			&series{Name: "accept, POST /v1/redemptions", Connections: connections, Floor: guardsFloor},
			func(s *server, _ string) (sample, error) { return b.acceptRun(ctx, s, apiRoute(), connections) },
		},
		{
			&series{Name: "refuse sold out, POST /codes/use", Connections: connections, Floor: guardsFloor},
			func(s *server, gone string) (sample, error) { return b.refuseRun(ctx, s, gone, connections) },
		},
	}
	all := make([]*series, 0, len(kinds))
	for round := range b.runs + 1 { // the first only warms up
		b.say("guards, %d connections, round %d of %d", connections, round, b.runs)
		for _, kind := range kinds {
			reference, err := kind.run(plain, plainGone)
			if err != nil {
				return nil, err
			}
			measured, err := kind.run(guarded, guardedGone)
			if err != nil {
				return nil, err
			}
			if round > 0 {
				kind.series.add(reference, measured)
			}
		}
	}
	for _, kind := range kinds {
		all = append(all, kind.series)
	}
	return all, nil
}
