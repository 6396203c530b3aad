package main

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/Shopify/toxiproxy/v2"
)

// A database that is some milliseconds away, as one in another building is: what takes time is the way, and no processor of
// this machine. Then a store can be asked for ten times what it can do while there is time left to ask for it.

const (
	afarDelay = 5 * time.Millisecond // each way
	afarBatch = 64
)

// afar leads to a server through a delay in each direction.
func afar(ctx context.Context, to string) (address string, stop func(), err error) {
	free, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	address = free.Addr().String()
	if err := free.Close(); err != nil {
		return "", nil, err
	}
	p := toxiproxy.NewProxy(quiet(toxiproxy.NewServer, toxiproxy.NewMetricsContainer(nil)), to, address, to)
	if err := p.Start(); err != nil {
		return "", nil, err
	}
	for _, stream := range []string{"upstream", "downstream"} {
		toxic := fmt.Sprintf(`{"name":%q,"type":"latency","stream":%[1]q,"attributes":{"latency":%d}}`, stream, afarDelay.Milliseconds())
		if _, err := p.Toxics.AddToxicJson(strings.NewReader(toxic)); err != nil {
			p.Stop()
			return "", nil, err
		}
	}
	return address, p.Stop, nil
}

// quiet makes a server with the zero value of its logger, which says nothing.
func quiet[M, L, S any](newServer func(M, L) S, m M) S {
	var logger L
	return newServer(m, logger)
}

// overloadAfar measures a server whose database is away.
func (b *bench) overloadAfar(ctx context.Context, bare string) (*overloadResult, error) {
	var r *overloadResult
	err := b.withBacking(ctx, func(k *backing) error {
		database, err := k.database(ctx)
		if err != nil {
			return err
		}
		u, err := url.Parse(database)
		if err != nil {
			return err
		}
		address, stop, err := afar(ctx, u.Host)
		if err != nil {
			return err
		}
		defer stop()
		u.Host = address
		r, err = b.overloadOf(ctx, bare, overloaded{
			store: fmt.Sprintf(", PostgreSQL %d ms away", afarDelay.Milliseconds()), batch: afarBatch, flags: k.flags(u.String()),
		})
		return err
	})
	return r, err
}
