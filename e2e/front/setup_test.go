// Package front_test treats the server as strangers do who mean it no good, or who are simply too many: web pages
// of other sites in a real browser, clients that send or read a byte now and then, more requests than it has
// room for, connections by the thousand. It asserts what must be true afterwards and what each caller is told;
// how fast that is, is for bench to say.
package front_test

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
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
		fmt.Println("e2e/front: skipped by -short")
		return
	}
	var err error
	if program, err = site.Build(); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// waitMax ends a wait for something that does not come; a loaded machine is slow, but not for ever.
const waitMax = 2 * time.Minute

// server is a running scrip serve on a data folder of its own.
type server struct {
	t    *testing.T
	cmd  *exec.Cmd
	data string
	url  string
	out  site.Transcript
	log  site.Transcript
	end  func()
}

// serve starts a server on loopback and waits until it says where it listens.
func serve(t *testing.T, args ...string) *server {
	t.Helper()
	s := &server{t: t, data: t.TempDir()}
	s.cmd = exec.Command(program, append([]string{"serve", "--data", s.data, "--listen", "127.0.0.1:0"}, args...)...) //nolint:noctx,gosec // the program under test, ended below
	s.cmd.Dir, s.cmd.Env = t.TempDir(), site.Environment()
	s.cmd.Stdout, s.cmd.Stderr = &s.out, &s.log
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	exited := make(chan struct{})
	go func() {
		_ = s.cmd.Wait() // the state says it all
		close(exited)
	}()
	s.end = sync.OnceFunc(func() {
		_ = s.cmd.Process.Signal(os.Interrupt)
		select {
		case <-exited:
		case <-time.After(waitMax):
			t.Error("the server does not stop")
			_ = s.cmd.Process.Kill()
			<-exited
		}
		if code := s.cmd.ProcessState.ExitCode(); code != 0 {
			t.Errorf("the server ended with %d:\n%s", code, &s.log)
		}
	})
	t.Cleanup(s.end)
	eventually(t, "the server is up", func() bool {
		select {
		case <-exited:
			t.Fatalf("the server ended with %d:\n%s", s.cmd.ProcessState.ExitCode(), &s.log)
		default:
		}
		line, _, whole := strings.Cut(s.out.String(), "\n")
		if !whole {
			return false
		}
		_, after, _ := strings.Cut(line, "listens on ")
		s.url, _, _ = strings.Cut(after, " ")
		return true
	})
	return s
}

// address is the server's host and port.
func (s *server) address() string {
	_, address, _ := strings.Cut(s.url, "://")
	return address
}

// sdk is a client that asks once.
func (s *server) sdk(options ...client.Option) *client.Client {
	s.t.Helper()
	c, err := client.New(s.url, append([]client.Option{client.WithRetries(0)}, options...)...)
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

// code makes a shared code without a limit.
func (s *server) code(c *client.Client, name string) {
	s.t.Helper()
	_, err := c.CreateCampaign(s.t.Context(), client.NewCampaign{
		Name: name, Effect: client.Effect{Kind: client.EffectCredit, Amount: 100}, Voucher: &client.NewCampaignVoucher{Code: name},
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

// verify ends the server and holds its database to every invariant.
func (s *server) verify() {
	s.t.Helper()
	s.end()
	if out, err := exec.CommandContext(s.t.Context(), program, "verify", "--data", s.data).CombinedOutput(); err != nil { //nolint:gosec // the program under test
		s.t.Errorf("verify: %v\n%s", err, out)
	}
}

// eventually waits until something is so.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(waitMax); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("after %v: not true that %s", waitMax, what)
		}
	}
}

// metric is the sum of a metric's series whose text has all of these parts.
func (s *server) metric(name string, parts ...string) float64 {
	s.t.Helper()
	text, err := s.sdk().Metrics(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	var sum float64
	for line := range strings.SplitSeq(text, "\n") {
		at := strings.LastIndexByte(line, ' ') // a label may have spaces
		if at < 0 || !matches(line[:at], name, parts) {
			continue
		}
		n, err := strconv.ParseFloat(line[at+1:], 64)
		if err != nil {
			s.t.Fatalf("%s: %v", line, err)
		}
		sum += n
	}
	return sum
}

// matches reports whether a series is of that name and has all of these parts.
func matches(series, name string, parts []string) bool {
	if series != name && !strings.HasPrefix(series, name+"{") {
		return false
	}
	for _, part := range parts {
		if !strings.Contains(series, part) {
			return false
		}
	}
	return true
}

// get asks and returns the status; zero where there was no answer.
func get(ctx context.Context, c *http.Client, url string) (int, http.Header, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return 0, nil, err
	}
	res, err := c.Do(req)
	if err != nil {
		return 0, nil, err
	}
	return res.StatusCode, res.Header, res.Body.Close()
}
