package main

import (
	"context"
	"fmt"
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
func afar(to string) (address string, stop func(), err error) {
	p := toxiproxy.NewProxy(quiet(toxiproxy.NewServer, toxiproxy.NewMetricsContainer(nil)), to, "127.0.0.1:0", to)
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
	return p.Listen, p.Stop, nil
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
		address, stop, err := afar(u.Host)
		if err != nil {
			return err
		}
		defer stop()
		u.Host = address
		r, err = b.overloadOf(ctx, bare, overloaded{
			store: fmt.Sprintf(", PostgreSQL %d ms away", afarDelay.Milliseconds()), data: "overload-afar", batch: afarBatch, flags: k.flags(u.String()),
		})
		return err
	})
	return r, err
}
