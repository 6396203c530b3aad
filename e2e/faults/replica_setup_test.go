package faults_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"scrip/client"
)

// Bounds on waiting for a process. They end a hang, and measure nothing.
const (
	startMax = 30 * time.Second
	stopMax  = 30 * time.Second
)

// replica is one server of a site. It may be killed and started again, and comes back to its address.
type replica struct {
	t      *testing.T
	name   string
	listen string   // its own address
	args   []string // of serve
	client *client.Client

	// shaky is set while it may fail to answer at all: it is killed, paused, or cut off from its clients.
	shaky   atomic.Bool
	answers atomic.Int64 // verdicts of any kind, refusals for a fault included
	faults  atomic.Int64 // answers that say: a fault, come again

	cmd    *exec.Cmd
	exited chan struct{} // closed when this life has ended
	log    transcript    // of all its lives
}

// transcript keeps the end of what a process says, readable while it speaks.
type transcript struct {
	mu   sync.Mutex
	text bytes.Buffer
}

const transcriptMax = 4 << 20

// Write appends, and forgets the first half of what has become too much.
func (s *transcript) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.text.Len() > transcriptMax {
		s.text.Next(s.text.Len() / 2)
	}
	return s.text.Write(p)
}

func (s *transcript) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// tail is the last lines of a log, the long ones cut.
func tail(log string, lines int) string {
	const long = 400
	all := strings.Split(strings.TrimRight(log, "\n"), "\n")
	all = all[max(0, len(all)-lines):]
	for i, line := range all {
		if len(line) > long {
			all[i] = line[:long] + " …"
		}
	}
	return strings.Join(all, "\n")
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
	common := []string{"serve", "--listen", listen, "--log-level", "warn", "--data", t.TempDir()}
	r := &replica{t: t, name: name, listen: listen, client: c, args: append(common, args...)}
	t.Cleanup(r.kill)
	return r
}

// start starts the server and waits until it says that it listens.
func (r *replica) start() {
	r.t.Helper()
	stdout := &transcript{}
	r.launch(stdout)
	for end := time.Now().Add(startMax); ; time.Sleep(2 * time.Millisecond) {
		if strings.Contains(stdout.String(), "listens on ") {
			return
		}
		select {
		case <-r.exited:
			r.t.Fatalf("%s ended with %d:\n%s", r.name, r.cmd.ProcessState.ExitCode(), tail(r.log.String(), 20))
		default:
		}
		if time.Now().After(end) {
			r.t.Fatalf("%s is not up after %v:\n%s", r.name, startMax, tail(r.log.String(), 20))
		}
	}
}

// launch starts the process, from a thread that lives as long as the process does: to the kernel a child's
// parent is that thread.
func (r *replica) launch(stdout *transcript) {
	r.t.Helper()
	r.cmd = exec.Command(program, r.args...) //nolint:noctx,gosec // the program under test, ended by signals
	r.cmd.Dir, r.cmd.Env, r.cmd.Stdout, r.cmd.Stderr = r.t.TempDir(), environment(), stdout, &r.log
	dieWithUs(r.cmd)
	r.exited = make(chan struct{})
	started := make(chan error, 1)
	go func(cmd *exec.Cmd, exited chan<- struct{}) {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // the state says it all
		}
		close(exited)
	}(r.cmd, r.exited)
	if err := <-started; err != nil {
		r.t.Fatal(err)
	}
}

// kill ends the server as a power cut would, paused or not.
func (r *replica) kill() {
	if r.cmd == nil || r.cmd.Process == nil {
		return
	}
	_ = r.cmd.Process.Kill() // it may have ended long ago
	<-r.exited
}

// stop ends the server in order.
func (r *replica) stop() {
	r.t.Helper()
	r.signal(syscall.SIGTERM)
	select {
	case <-r.exited:
		if code := r.cmd.ProcessState.ExitCode(); code != 0 {
			r.t.Errorf("%s ended with %d:\n%s", r.name, code, tail(r.log.String(), 20))
		}
	case <-time.After(stopMax):
		r.t.Fatalf("%s has not ended after %v:\n%s", r.name, stopMax, tail(r.log.String(), 20))
	}
}

func (r *replica) signal(s syscall.Signal) {
	r.t.Helper()
	if err := r.cmd.Process.Signal(s); err != nil {
		r.t.Fatalf("%s: %v", r.name, err)
	}
}

// environment is what every program gets: nothing of ours but the path.
func environment() []string {
	return []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.TempDir()}
}

// ran is what a command did.
type ran struct {
	code           int
	stdout, stderr string
}

// scrip runs a command to its end.
func scrip(t *testing.T, args ...string) ran {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...) //nolint:gosec // the program under test
	var out, errs bytes.Buffer
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = t.TempDir(), environment(), &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("scrip %q: %v", args, err)
	}
	return ran{cmd.ProcessState.ExitCode(), out.String(), errs.String()}
}

// Ports for servers that must come back to theirs: below those that Linux gives to outgoing connections, one
// of which could be a client's that redials, and above those of the tests' other servers.
const (
	portMin = 30_500
	portMax = 32_500
)

// given are the addresses that tests of this process have.
var given sync.Map

// freeAddress is one on which nobody listened a moment ago.
func freeAddress(t *testing.T) string {
	t.Helper()
	var lc net.ListenConfig
	for range 100 {
		address := fmt.Sprintf("127.0.0.1:%d", portMin+rand.IntN(portMax-portMin)) //nolint:gosec // not a secret
		if _, taken := given.LoadOrStore(address, true); taken {
			continue
		}
		if l, err := lc.Listen(t.Context(), "tcp", address); err == nil {
			_ = l.Close() // only its number was wanted
			return address
		}
	}
	t.Fatal("there is no free port")
	return ""
}
