package faults_test

import (
	"net/http"
	"os"
	"sync/atomic"
	"testing"

	"scrip/client"

	rig "scrip/e2e/site"
)

// replica is one server of a site. It may be killed and started again, and comes back to its address.
type replica struct {
	t      *testing.T
	name   string
	client *client.Client
	server *rig.Server
	log    *rig.Transcript // of all its lives

	// shaky is set while it may fail to answer at all: it is killed, paused, or cut off from its clients.
	shaky   atomic.Bool
	answers atomic.Int64 // verdicts of any kind, refusals for a fault included
	faults  atomic.Int64 // answers that say: a fault, come again
}

// newReplica describes a replica; clients ask it through the address via, its own if that is empty.
func newReplica(t *testing.T, name, listen, via string, args ...string) *replica {
	t.Helper()
	if via == "" {
		via = listen
	}
	transport := &http.Transport{MaxIdleConnsPerHost: crowd, ForceAttemptHTTP2: false}
	t.Cleanup(transport.CloseIdleConnections)
	c, err := client.New("http://"+via, client.WithRetries(0), client.WithHTTPClient(&http.Client{Transport: transport}))
	if err != nil {
		t.Fatal(err)
	}
	server := &rig.Server{
		Name: name, Program: program, Listen: listen, Dir: t.TempDir(),
		Args: append([]string{"serve", "--listen", listen, "--log-level", "warn", "--data", t.TempDir()}, args...),
	}
	t.Cleanup(server.Kill)
	return &replica{t: t, name: name, client: c, server: server, log: &server.Log}
}

// start starts the server and waits until it says that it listens.
func (r *replica) start() {
	r.t.Helper()
	if err := r.server.Start(); err != nil {
		r.t.Fatal(err)
	}
}

// kill ends the server as a power cut would, paused or not.
func (r *replica) kill() { r.server.Kill() }

// stop ends the server in order.
func (r *replica) stop() {
	r.t.Helper()
	if err := r.server.Stop(); err != nil {
		r.t.Fatal(err)
	}
}

func (r *replica) signal(s os.Signal) {
	r.t.Helper()
	if err := r.server.Signal(s); err != nil {
		r.t.Fatal(err)
	}
}

// scrip runs a command to its end.
func scrip(t *testing.T, args ...string) rig.Ran {
	t.Helper()
	got, err := rig.Run(t.Context(), program, t.TempDir(), args...)
	if err != nil {
		t.Fatal(err)
	}
	return got
}
