package faults_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/Shopify/toxiproxy/v2"
)

// link is a way from one part to another on which things can go wrong.
type link struct {
	t     *testing.T
	proxy *toxiproxy.Proxy
}

// newLink opens a way to an address, which need not be served yet.
func newLink(t *testing.T, to string) *link {
	t.Helper()
	p := toxiproxy.NewProxy(silent(toxiproxy.NewServer, toxiproxy.NewMetricsContainer(nil)), to, freeAddress(t), to)
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Stop)
	return &link{t, p}
}

// silent makes a server with the zero value of its logger, which says nothing. The logger's type is that of
// a library which nothing else here uses.
func silent[M, L, S any](newServer func(M, L) S, m M) S {
	var logger L
	return newServer(m, logger)
}

func (l *link) address() string { return l.proxy.Listen }

// directions of a link.
const (
	upstream   = "upstream"   // what the one who connects says
	downstream = "downstream" // what is answered
)

// breaks makes something go wrong in those directions, until heal.
func (l *link) breaks(kind string, attributes map[string]int, directions ...string) {
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

// heal ends whatever is wrong. Connections that were stalled or reset are closed by then.
func (l *link) heal() { l.proxy.Toxics.ResetToxics(l.t.Context()) }
