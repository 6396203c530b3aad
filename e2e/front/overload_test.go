package front_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"scrip/client"
)

// A server that is asked for more than it can do does what it can, tells the others to come again, says all the
// while how it is, takes no more memory, and is as before when the crowd has gone.
func TestOverload(t *testing.T) {
	t.Parallel()
	// Eight in a batch, sixteen waiting, thirty-two judged: two hundred who ask at once are far too many.
	s := serve(t, "--max-batch", "8", "--max-queue", "16", "--max-inflight", "32")
	sdk := s.sdk()
	s.code(sdk, "salam")
	before := s.metric("process_resident_memory_bytes")

	crowd := &crowdOfMany{t: t, url: s.url + "/codes/use"}
	watching, unwatch := context.WithCancel(t.Context())
	var watch sync.WaitGroup
	for _, path := range []string{"/healthz", "/metrics", "/readyz"} {
		watch.Go(func() { keepAsking(watching, t, s.url+path) })
	}
	crowd.ask(200, 50)
	for more := 0; crowd.refused.Load() == 0 && more < 10; more++ {
		crowd.ask(500, 50) // a machine with many processors may keep up for a while
	}
	unwatch()
	watch.Wait()

	won, refused := crowd.won.Load(), crowd.refused.Load()
	t.Logf("%d won, %d were told to come again", won, refused)
	if won == 0 || refused == 0 {
		t.Errorf("%d won and %d were told to come again; want some of each", won, refused)
	}
	if waits := crowd.waits(); len(waits) < 2 && refused > 100 {
		t.Errorf("%d were told to come again after %v: all at once", refused, waits)
	}
	for i := range 20 { // the first request after the load is taken, and so is the next
		if _, err := sdk.Use(t.Context(), "salam", fmt.Sprintf("0935%07d", i)); err != nil {
			t.Errorf("after the load: %v", err)
		}
	}
	v, err := sdk.LookupVoucher(t.Context(), "salam")
	if err != nil || v.Redeemed != won+20 {
		t.Errorf("%+v redeemed, %v; %d were told so", v, err, won+20)
	}
	if after := s.metric("process_resident_memory_bytes"); after > before+256<<20 {
		t.Errorf("the server took %.0f MiB before and takes %.0f MiB now", before/(1<<20), after/(1<<20))
	}
	s.verify()
}

// crowdOfMany asks for more than there is room for.
type crowdOfMany struct {
	t            *testing.T
	url          string
	next         atomic.Int64
	won, refused atomic.Int64
	told         sync.Map // values of Retry-After
}

// ask has so many clients ask at once, each so many times.
func (c *crowdOfMany) ask(clients, times int) {
	c.t.Helper()
	h := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: clients}, Timeout: waitMax}
	defer h.CloseIdleConnections()
	var all sync.WaitGroup
	for range clients {
		all.Go(func() {
			for range times {
				c.once(h)
			}
		})
	}
	all.Wait()
}

func (c *crowdOfMany) once(h *http.Client) {
	body := fmt.Sprintf(`{"code":"salam","mobile":"0912%07d"}`, c.next.Add(1))
	req, err := http.NewRequestWithContext(c.t.Context(), http.MethodPost, c.url, strings.NewReader(body))
	if err != nil {
		c.t.Error(err)
		return
	}
	res, err := h.Do(req)
	if err != nil {
		c.t.Error(err)
		return
	}
	defer res.Body.Close() //nolint:errcheck // only read
	text, err := io.ReadAll(res.Body)
	switch {
	case err != nil:
		c.t.Error(err)
	case res.StatusCode == http.StatusOK && string(text) == client.Sentence:
		c.won.Add(1)
	case res.StatusCode == http.StatusServiceUnavailable && strings.Contains(string(text), `"overloaded"`):
		c.refused.Add(1)
		after := res.Header.Get("Retry-After")
		if n, err := strconv.Atoi(after); err != nil || n < 1 || n > 3 {
			c.t.Errorf("Retry-After %q", after)
		}
		c.told.Store(after, true)
	default:
		c.t.Errorf("%d %s", res.StatusCode, text)
	}
}

// waits are the values of Retry-After that were given.
func (c *crowdOfMany) waits() []string {
	var all []string
	c.told.Range(func(k, _ any) bool {
		all = append(all, fmt.Sprint(k))
		return true
	})
	return all
}

// keepAsking asks until ctx ends; every answer must be 200.
func keepAsking(ctx context.Context, t *testing.T, url string) {
	t.Helper()
	c := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: waitMax}
	asked := 0
	for ; ctx.Err() == nil; time.Sleep(10 * time.Millisecond) {
		status, _, err := get(ctx, c, url)
		if ctx.Err() == nil && (err != nil || status != http.StatusOK) {
			t.Errorf("under load %s answers %d, %v", url, status, err)
		}
		asked++
	}
	if asked < 2 {
		t.Errorf("%s was asked %d times", url, asked)
	}
}

// One connection too many is told so, and whoever leaves makes room.
func TestConnectionsAreBounded(t *testing.T) {
	t.Parallel()
	const most = 20
	s := serve(t, "--max-connections", strconv.Itoa(most))
	kept := &http.Transport{} // it keeps the one connection that it opens
	t.Cleanup(kept.CloseIdleConnections)
	watch := s.sdk(client.WithHTTPClient(&http.Client{Transport: kept, Timeout: waitMax}))
	if c := s.connections(watch); c != [3]int64{1, most, 0} {
		t.Errorf("alone, open, most and refused are %v", c)
	}
	held := gatherSome(t, s.address(), most-1)
	if c := s.connections(watch); c != [3]int64{most, most, 0} {
		t.Errorf("open, most and refused are %v", c)
	}
	one := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: waitMax}
	for range 50 {
		status, header, err := get(t.Context(), one, s.url+"/healthz")
		if err != nil || status != http.StatusServiceUnavailable || header.Get("Retry-After") == "" {
			t.Fatalf("beyond the most connections: %d %v %v", status, header, err)
		}
	}
	if c := s.connections(watch); c != [3]int64{most, most, 50} {
		t.Errorf("open, most and refused are %v", c)
	}
	for _, conn := range held { // those that are in are served
		if err := send(conn, "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		if said, err := io.ReadAll(conn); err != nil || !strings.Contains(string(said), "HTTP/1.1 200 ") {
			t.Fatalf("%q %v", said, err)
		}
	}
	eventually(t, "there is room again", func() bool {
		status, _, err := get(t.Context(), one, s.url+"/healthz")
		return err == nil && status == http.StatusOK
	})
}

// connections asks how many connections are open, may be, and were refused.
func (s *server) connections(watch *client.Client) (n [3]int64) {
	s.t.Helper()
	text, err := watch.Metrics(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	for i, name := range []string{"scrip_connections", "scrip_connections_max", "scrip_connections_refused_total"} {
		_, value, _ := strings.Cut(text, "\n"+name+" ")
		value, _, _ = strings.Cut(value, "\n")
		if n[i], err = strconv.ParseInt(value, 10, 64); err != nil {
			s.t.Fatalf("%s: %v", name, err)
		}
	}
	return n
}
