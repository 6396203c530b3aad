package site

import (
	"bytes"
	"context"
	"encoding/json"
	"testing"

	"github.com/Shopify/toxiproxy/v2"
)

// Link is a way from one part to another on which things can go wrong.
type Link struct {
	t     testing.TB
	proxy *toxiproxy.Proxy
}

// NewLink opens a way to an address, which need not be served yet.
func NewLink(t testing.TB, to string) *Link {
	t.Helper()
	p := toxiproxy.NewProxy(silent(toxiproxy.NewServer, toxiproxy.NewMetricsContainer(nil)), to, FreeAddress(t), to)
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Stop)
	return &Link{t, p}
}

// silent makes a server with the zero value of its logger, which says nothing. The logger's type is that of
// a library which nothing else here uses.
func silent[M, L, S any](newServer func(M, L) S, m M) S {
	var logger L
	return newServer(m, logger)
}

// Address is where to connect instead.
func (l *Link) Address() string { return l.proxy.Listen }

// Directions of a link.
const (
	Upstream   = "upstream"   // what the one who connects says
	Downstream = "downstream" // what is answered
)

// Breaks makes something go wrong in those directions, until Heal.
func (l *Link) Breaks(kind string, attributes map[string]int, directions ...string) {
	l.t.Helper()
	for _, d := range directions {
		toxic, err := json.Marshal(map[string]any{"name": kind + d, "type": kind, "stream": d, "attributes": attributes})
		if err != nil {
			l.t.Fatal(err)
		}
		if _, err := l.proxy.Toxics.AddToxicJson(bytes.NewReader(toxic)); err != nil {
			l.t.Fatalf("%s %s: %v", d, kind, err)
		}
	}
}

// Heal ends whatever is wrong. Connections that were stalled or reset are closed by then.
func (l *Link) Heal(ctx context.Context) { l.proxy.Toxics.ResetToxics(ctx) }
