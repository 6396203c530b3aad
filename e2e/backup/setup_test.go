// Package backup_test takes backups of real servers while a crowd uses them, restores them, and holds what was
// restored to what the crowd was told: whatever was acknowledged before the backup began is there, and `scrip
// verify` finds nothing wrong.
//
//	scrip backup under load, and scrip restore          sqlite_test.go
//	scrip backup killed in the middle; on a full disk   sqlite_fault_test.go
//	pg_dump under load, and pg_restore                  dump_test.go
//	pg_basebackup under load, and recovery to a moment  moment_test.go
package backup_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"scrip/client"
	"scrip/e2e/crowd"
	"scrip/e2e/site"
	"scrip/internal/testenv"
)

// program is the path of the program under test.
var program string

func TestMain(m *testing.M) {
	flag.Parse()
	if testing.Short() {
		fmt.Println("e2e/backup: skipped by -short")
		return
	}
	var err error
	if program, err = site.Build(); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	testenv.Main(m)
}

// The crowd: enough to keep the writer busy, and little enough for a small machine.
const (
	connections = 6
	pace        = 4 * time.Millisecond
	waitMax     = 2 * time.Minute // for whatever must come; it ends a hang
)

// serve starts a server, which ends with the test.
func serve(t *testing.T, args ...string) (*site.Server, crowd.Server) {
	t.Helper()
	listen := site.FreeAddress(t)
	s := &site.Server{
		Name: listen, Program: program, Listen: listen, Dir: t.TempDir(),
		Args: append([]string{"serve", "--auth", "off", "--listen", listen, "--log-level", "warn", "--request-timeout", "60s"}, args...),
	}
	t.Cleanup(s.Kill)
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{MaxIdleConnsPerHost: connections}
	t.Cleanup(transport.CloseIdleConnections)
	c, err := client.New("http://"+listen, client.WithRetries(0), client.WithHTTPClient(&http.Client{Transport: transport}))
	if err != nil {
		t.Fatal(err)
	}
	return s, crowd.Server{Name: listen, Client: c}
}

// scrip runs a command to its end.
func scrip(t *testing.T, args ...string) site.Ran {
	t.Helper()
	got, err := site.Run(t.Context(), program, t.TempDir(), args...)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// done runs a command that must succeed.
func done(t *testing.T, args ...string) {
	t.Helper()
	if got := scrip(t, args...); got.Code != 0 {
		t.Fatalf("scrip %q exits with %d:\n%s%s", args, got.Code, got.Stdout, got.Stderr)
	}
}

// gather lets a crowd in: over a code without a limit and one that sells out. stop sends it away when every
// request has its answer.
func gather(t *testing.T, on crowd.Server) (c *crowd.Crowd, stop func()) {
	t.Helper()
	c = crowd.New("crowd")
	for code, limit := range map[string]int64{"endless": 0, "limited": 200} {
		if err := c.Make(t.Context(), on, code, limit); err != nil {
			t.Fatal(err)
		}
	}
	c.Ask(on)
	ctx, cancel := context.WithCancel(t.Context())
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		c.Run(ctx, connections, pace)
	}()
	stop = func() {
		cancel()
		<-gone
	}
	t.Cleanup(func() {
		stop()
		t.Log(c)
	})
	return c, stop
}

// until waits for what must come.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(waitMax); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("after %v still not: %s", waitMax, what)
		}
	}
}

// more waits until the crowd has won so many more times.
func more(t *testing.T, c *crowd.Crowd, wins int64) {
	t.Helper()
	until(t, fmt.Sprintf("%d more wins", wins), func() func() bool {
		most := c.Wins() + wins
		return func() bool { return c.Wins() >= most }
	}())
}

// nothingWrong fails the test with what the crowd has found.
func nothingWrong(t *testing.T, c *crowd.Crowd) {
	t.Helper()
	wrong := c.Wrong()
	for _, w := range wrong[:min(len(wrong), 10)] {
		t.Error(w)
	}
	if len(wrong) > 0 {
		t.Fatalf("%d things are wrong", len(wrong))
	}
}

// holds fails the test unless a server that was restored has all these wins, and none that was first asked for
// in the span beyond or later. It returns how many it has.
func holds(t *testing.T, c *crowd.Crowd, on crowd.Server, before []crowd.Win, beyond int64) int {
	t.Helper()
	listed, err := c.Listed(t.Context(), on)
	if err != nil {
		t.Fatal(err)
	}
	missing := crowd.Missing(before, listed)
	for _, w := range missing[:min(len(missing), 10)] {
		t.Errorf("%+v was acknowledged before, and is not there", w)
	}
	_, all := c.Mark()
	for _, w := range all {
		if _, there := listed[w.Receipt]; there && w.Span >= beyond {
			t.Errorf("%+v was asked for afterwards, and is there", w)
			break
		}
	}
	if t.Failed() {
		t.FailNow()
	}
	return len(listed)
}

// tool runs one of PostgreSQL's own programs.
func tool(t *testing.T, name string, args ...string) {
	t.Helper()
	path, err := testenv.PostgresProgram(name)
	if errors.Is(err, testenv.ErrMissing) && os.Getenv("CI") == "" {
		fmt.Fprintf(os.Stderr, "%s is SKIPPED: %v\n", t.Name(), err)
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), waitMax)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args...) //nolint:gosec // a program that we found
	cmd.Dir, cmd.Env = t.TempDir(), append(site.Environment(), "LC_ALL=C")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
}
