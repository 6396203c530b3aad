package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"scrip/client"
)

// answers is a server that gives one answer after the other, and then the last one again.
type answers struct {
	mu   sync.Mutex
	seen []*http.Request
	body []string
	list []func(http.ResponseWriter)
}

func (a *answers) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	a.mu.Lock()
	a.seen, a.body = append(a.seen, r), append(a.body, string(body))
	next := a.list[min(len(a.seen), len(a.list))-1]
	a.mu.Unlock()
	next(w)
}

// asked is what has arrived so far.
func (a *answers) asked() ([]*http.Request, []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.seen), slices.Clone(a.body)
}

func says(status int, body string, headers ...string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		for _, h := range headers {
			name, value, _ := strings.Cut(h, ": ")
			w.Header().Set(name, value)
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// hangsUp breaks the connection instead of answering.
func hangsUp(http.ResponseWriter) { panic(http.ErrAbortHandler) }

const busy = `{"type":"urn:scrip:problem:overloaded","title":"Overloaded","status":503,"detail":"Too many.","code":"overloaded","request_id":"req_1","retryable":true}`

func serve(t *testing.T, list []func(http.ResponseWriter), options ...client.Option) (*client.Client, *answers) {
	t.Helper()
	a := &answers{list: list}
	server := httptest.NewServer(a)
	t.Cleanup(server.Close)
	c, err := client.New(server.URL+"/", append([]client.Option{client.WithoutWaiting()}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	return c, a
}

type list = []func(http.ResponseWriter)

func TestRetries(t *testing.T) {
	t.Parallel()
	won := says(http.StatusCreated, `{"id":"rdm_1","rank":1}`)
	refused := says(http.StatusBadRequest, `{"code":"quantity_exceeded","detail":"Sold out.","status":400}`)
	down := says(http.StatusServiceUnavailable, busy)
	for name, tt := range map[string]struct {
		answers list
		options []client.Option
		key     string
		asked   int
		code    client.Code
		failed  bool // without an answer
	}{
		"first time":              {list{won}, nil, "", 1, "", false},
		"busy, no key":            {list{down, won}, nil, "", 1, "overloaded", false},
		"busy, then won":          {list{down, down, won}, nil, "k", 3, "", false},
		"busy for ever":           {list{down}, nil, "k", 1 + client.DefaultRetries, "overloaded", false},
		"no retries":              {list{down}, []client.Option{client.WithRetries(0)}, "k", 1, "overloaded", false},
		"hung up, no key":         {list{hangsUp, won}, nil, "", 1, "", true},
		"hung up, then won":       {list{hangsUp, won}, nil, "k", 2, "", false},
		"refused is final":        {list{refused, won}, nil, "k", 1, "quantity_exceeded", false},
		"automatic key":           {list{down, won}, []client.Option{client.WithAutomaticKeys()}, "", 2, "", false},
		"a proxy says bad":        {list{says(502, "<html>"), won}, nil, "k", 2, "", false},
		"a proxy says not found":  {list{says(404, "<html>"), won}, nil, "k", 1, client.CodeUnknown, false},
		"an answer of other code": {list{says(201, "<html>"), won}, nil, "k", 1, "", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, a := serve(t, tt.answers, tt.options...)
			var o []client.RequestOption
			if tt.key != "" {
				o = append(o, client.IdempotencyKey(tt.key))
			}
			r, err := c.Redeem(t.Context(), client.RedeemRequest{Code: "salam", Customer: "ali"}, o...)
			seen, body := a.asked()
			if len(seen) != tt.asked {
				t.Errorf("asked %d times, want %d", len(seen), tt.asked)
			}
			if client.CodeOf(err) != tt.code || (err != nil) != (tt.code != "" || tt.failed) || (err == nil) != (r != nil) {
				t.Errorf("got %v, %v", r, err)
			}
			for i := range seen {
				if seen[i].Header.Get("Idempotency-Key") != seen[0].Header.Get("Idempotency-Key") || body[i] != body[0] {
					t.Errorf("the request changed: %v %s", seen[i].Header, body[i])
				}
			}
		})
	}
}

// Reading is asked again without a key; what changes something and takes none is not.
func TestWhatIsAskedAgain(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		call  func(context.Context, *client.Client) error
		again bool
	}{
		"Wallet":  {func(ctx context.Context, c *client.Client) error { _, err := c.Wallet(ctx, "ali"); return err }, true},
		"Balance": {func(ctx context.Context, c *client.Client) error { _, err := c.Balance(ctx, "ali"); return err }, true},
		"Report":  {func(ctx context.Context, c *client.Client) error { _, err := c.Report(ctx, "salam"); return err }, true},
		"Validate": {func(ctx context.Context, c *client.Client) error {
			_, err := c.Validate(ctx, client.RedeemRequest{})
			return err
		}, true},
		"Lookup":   {func(ctx context.Context, c *client.Client) error { _, err := c.LookupVoucher(ctx, "x"); return err }, true},
		"Use":      {func(ctx context.Context, c *client.Client) error { _, err := c.Use(ctx, "salam", "ali"); return err }, false},
		"Rollback": {func(ctx context.Context, c *client.Client) error { _, err := c.Rollback(ctx, "rdm_1", ""); return err }, false},
		"Disable": {func(ctx context.Context, c *client.Client) error {
			_, err := c.DisableCampaign(ctx, "cmp_1")
			return err
		}, false},
		"Update": {func(ctx context.Context, c *client.Client) error {
			_, err := c.UpdateVoucher(ctx, "vch_1", client.VoucherChange{})
			return err
		}, false},
		"Ready": {func(ctx context.Context, c *client.Client) error { _, err := c.Ready(ctx); return err }, false},
		"Batch": {func(ctx context.Context, c *client.Client) error {
			_, err := c.RedeemBatch(ctx, []client.BatchItem{{}})
			return err
		}, false},
		"KeyedBatch": {func(ctx context.Context, c *client.Client) error {
			_, err := c.RedeemBatch(ctx, []client.BatchItem{{IdempotencyKey: "k"}})
			return err
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, a := serve(t, list{says(http.StatusServiceUnavailable, busy), says(http.StatusOK, `{}`)})
			err := tt.call(t.Context(), c)
			seen, _ := a.asked()
			if again := len(seen) == 2; again != tt.again || again != (err == nil) {
				t.Errorf("asked %d times: %v", len(seen), err)
			}
		})
	}
}

func TestWaiting(t *testing.T) {
	t.Parallel()
	for attempt := range 70 {
		if wait := client.Backoff(attempt, 0); wait < 25*time.Millisecond || wait > 2*time.Second {
			t.Errorf("attempt %d waits %v", attempt, wait)
		}
		if wait := client.Backoff(attempt, 3*time.Second); wait < 3*time.Second || wait > 5*time.Second {
			t.Errorf("attempt %d waits %v although the server asked for 3 s", attempt, wait)
		}
	}
	a := &answers{list: list{says(http.StatusServiceUnavailable, busy, "Retry-After: 30")}}
	server := httptest.NewServer(a)
	defer server.Close()
	c, err := client.New(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	_, err = c.Wallet(ctx, "ali")
	seen, _ := a.asked()
	if p, ok := errors.AsType[*client.Error](err); !ok || p.RetryAfter != 30*time.Second || len(seen) != 1 {
		t.Errorf("%v, asked %d times", err, len(seen))
	}
}

func TestProblem(t *testing.T) {
	t.Parallel()
	c, a := serve(t, list{says(http.StatusBadRequest, `{"type":"urn:scrip:problem:already_redeemed","title":"Already redeemed","status":400,`+
		`"detail":"You have already redeemed this code.","code":"already_redeemed","field":"code","request_id":"trace-1","retryable":false,`+
		`"redemption":{"id":"rdm_1","rank":417,"created_at":"2026-03-20T12:00:00.000417Z"}}`)}, client.WithKey("sk_1"), client.WithUserAgent("me"))
	_, err := c.Use(t.Context(), "salam", "ali", client.RequestID("trace-1"))
	p, ok := errors.AsType[*client.Error](fmt.Errorf("use: %w", err))
	if !ok {
		t.Fatal(err)
	}
	if p.Code != client.CodeAlreadyRedeemed || p.Status != 400 || p.RequestID != "trace-1" || p.Redemption == nil || p.Redemption.Rank != 417 || p.Field != "code" {
		t.Errorf("%+v", p)
	}
	if want := "scrip: already_redeemed (400): You have already redeemed this code. [code] (request trace-1)"; err.Error() != want {
		t.Errorf("%q", err)
	}
	seen, _ := a.asked()
	h := seen[0].Header
	if h.Get("X-Request-Id") != "trace-1" || h.Get("Authorization") != "Bearer sk_1" || h.Get("User-Agent") != "me" || h.Get("Content-Type") != "application/json" {
		t.Errorf("%v", h)
	}
	if client.CodeOf(nil) != "" || client.CodeOf(io.EOF) != "" {
		t.Error("a code of no problem")
	}
}

func TestPaths(t *testing.T) {
	t.Parallel()
	c, a := serve(t, list{says(http.StatusOK, `{}`)})
	ctx := t.Context()
	for _, customer := range []string{"..", ".", "a/b", "+98 912", "علی", "a?b#c%"} {
		if _, err := c.Wallet(ctx, customer); err != nil {
			t.Fatal(err)
		}
		seen, _ := a.asked()
		r := seen[len(seen)-1]
		if got := strings.TrimPrefix(r.URL.Path, "/v1/wallets/"); got != customer {
			t.Errorf("%q arrived as %q in %s", customer, got, r.RequestURI)
		}
	}
	if _, err := c.Redemptions(ctx, client.RedemptionQuery{Customer: "+98 9", Page: client.Page{Limit: 3, EndingBefore: "rdm_1"}}); err != nil {
		t.Fatal(err)
	}
	seen, _ := a.asked()
	if got := seen[len(seen)-1].RequestURI; got != "/v1/redemptions?customer=%2B98+9&ending_before=rdm_1&limit=3" {
		t.Error(got)
	}
}

func TestWalk(t *testing.T) {
	t.Parallel()
	c, a := serve(t, list{
		says(http.StatusOK, `{"data":[{"id":"vch_3"},{"id":"vch_2"}],"has_more":true}`),
		says(http.StatusOK, `{"data":[{"id":"vch_1"}],"has_more":false}`),
	})
	var got []string
	for v, err := range c.AllVouchers(t.Context(), client.VoucherQuery{Campaign: "cmp_1"}) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, v.ID)
	}
	seen, _ := a.asked()
	if strings.Join(got, " ") != "vch_3 vch_2 vch_1" || len(seen) != 2 || !strings.Contains(seen[1].RequestURI, "starting_after=vch_2") {
		t.Errorf("%v, %d pages", got, len(seen))
	}
	c, _ = serve(t, list{says(http.StatusNotFound, `{"code":"campaign_not_found"}`)})
	n := 0
	for _, err := range c.AllCampaigns(t.Context(), client.Page{}) {
		n++
		if client.CodeOf(err) != client.CodeCampaignNotFound {
			t.Error(err)
		}
	}
	if n != 1 {
		t.Errorf("%d errors", n)
	}
}

func TestChanges(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]client.CampaignChange{
		`{}`: {},
		`{"name":"n","ends_at":null,"budget":{"amount":null,"count":5},"disabled":false}`: {
			Name: client.Set("n"), EndsAt: client.Remove[time.Time](), Disabled: client.Set(false),
			Budget: client.Set(client.BudgetChange{Amount: client.Remove[int64](), Count: client.Set(int64(5))}),
		},
		`{"budget":null}`: {Budget: client.Remove[client.BudgetChange]()},
	} {
		got, err := json.Marshal(change)
		if err != nil || string(got) != want {
			t.Errorf("%s %v, want %s", got, err, want)
		}
	}
}

func TestNewRefusesAddresses(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"", "localhost:8000", "ftp://x", "http://", "://", "http://x/?a=b", "http://x/#f", "\x7f"} {
		if c, err := client.New(bad); err == nil || c != nil {
			t.Errorf("%q: %v", bad, c)
		}
	}
}
