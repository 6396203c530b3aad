// Package e2e_test builds the real program and treats it as its users do: it runs it, asks it over HTTP,
// sends it signals, kills it, and looks at what is left on the disk.
package e2e_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"scrip/client"
	"scrip/e2e/site"
)

// program is the path of the program under test.
var program string

func TestMain(m *testing.M) {
	flag.Parse()
	if testing.Short() {
		fmt.Println("e2e: skipped by -short")
		return
	}
	var err error
	if program, err = site.Build(); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// Waits. A loaded machine is slow, but not for ever.
const (
	startMax = 30 * time.Second
	stopMax  = 30 * time.Second
)

// ran is what a command did.
type ran struct {
	code           int
	stdout, stderr string
}

// scrip runs a command to its end, in an empty folder.
func scrip(t *testing.T, args ...string) ran {
	t.Helper()
	return scripIn(t, t.TempDir(), "", nil, args...)
}

func scripIn(t *testing.T, dir, stdin string, env []string, args ...string) ran {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...) //nolint:gosec // the program under test
	var out, errs bytes.Buffer
	cmd.Dir, cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = dir, append(site.Environment(), env...), strings.NewReader(stdin), &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("scrip %q: %v", args, err)
	}
	return ran{cmd.ProcessState.ExitCode(), out.String(), errs.String()}
}

// process is a running server.
type process struct {
	t      *testing.T
	cmd    *exec.Cmd
	data   string
	url    string
	stdout *site.Transcript
	stderr *site.Transcript
	exited chan struct{} // closed when it has ended
}

// launch starts a server without waiting for it.
func launch(t *testing.T, data, listen string, args ...string) *process {
	t.Helper()
	p := &process{t: t, data: data, url: "http://" + listen, stdout: &site.Transcript{}, stderr: &site.Transcript{}, exited: make(chan struct{})}
	p.cmd = exec.Command(program, append([]string{"serve", "--data", data, "--listen", listen}, args...)...) //nolint:noctx,gosec // the program under test, ended by signals
	p.cmd.Dir, p.cmd.Env, p.cmd.Stdout, p.cmd.Stderr = t.TempDir(), site.Environment(), p.stdout, p.stderr
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = p.cmd.Wait() // the state says it all
		close(p.exited)
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill() // it may have ended long ago
		<-p.exited
	})
	return p
}

// serve starts a server and waits until it says where it listens.
func serve(t *testing.T, data, listen string, args ...string) *process {
	t.Helper()
	p := launch(t, data, listen, args...)
	for end := time.Now().Add(startMax); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		if line, _, whole := strings.Cut(p.stdout.String(), "\n"); whole {
			_, after, _ := strings.Cut(line, "listens on ")
			p.url, _, _ = strings.Cut(after, " ")
			return p
		}
		select {
		case <-p.exited:
			t.Fatalf("the server ended with %d:\n%s", p.cmd.ProcessState.ExitCode(), p.stderr)
		default:
		}
	}
	t.Fatalf("the server is not up after %v:\n%s", startMax, p.stderr)
	return nil
}

// wait waits for the server's end and returns its exit code.
func (p *process) wait() int {
	p.t.Helper()
	select {
	case <-p.exited:
		return p.cmd.ProcessState.ExitCode()
	case <-time.After(stopMax):
		p.t.Fatalf("the server has not ended after %v:\n%s", stopMax, p.stderr)
		return 0
	}
}

func (p *process) signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// stop ends the server in order.
func (p *process) stop() {
	p.t.Helper()
	p.signal(syscall.SIGTERM)
	if code := p.wait(); code != 0 {
		p.t.Errorf("the server ended with %d:\n%s", code, p.stderr)
	}
}

// kill ends the server as a power cut would.
func (p *process) kill() {
	p.t.Helper()
	p.signal(syscall.SIGKILL)
	p.wait()
}

// sdk returns a client of the server that asks once.
func (p *process) sdk() *client.Client {
	p.t.Helper()
	c, err := client.New(p.url, client.WithRetries(0))
	if err != nil {
		p.t.Fatal(err)
	}
	return c
}

// verify holds the server's database to every invariant.
func (p *process) verify() {
	p.t.Helper()
	if got := scrip(p.t, "verify", "--data", p.data); got.code != 0 {
		p.t.Fatalf("verify exits with %d:\n%s%s", got.code, got.stdout, got.stderr)
	}
}

// code makes a shared code; a limit of zero is none.
func (p *process) code(name string, limit int64) {
	p.t.Helper()
	v := &client.NewCampaignVoucher{Code: name}
	if limit > 0 {
		v.Limit = &limit
	}
	_, err := p.sdk().CreateCampaign(p.t.Context(), client.NewCampaign{
		Name: name, Effect: client.Effect{Kind: client.EffectCredit, Amount: credit}, Voucher: v,
	})
	if err != nil {
		p.t.Fatal(err)
	}
}

// credit is what each use of a code gives, in minor units.
const credit = 100
