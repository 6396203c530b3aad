package httpapi_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pb33f/libopenapi"
	"github.com/pb33f/libopenapi-validator/config"

	"scrip/api"
	"scrip/internal/campaign"
	"scrip/internal/fault"
	"scrip/internal/gate/memgate"
	"scrip/internal/httpapi"
	"scrip/internal/keyring"
	"scrip/internal/redemption"
	"scrip/internal/seal"
	"scrip/internal/store"
	"scrip/internal/store/memstore"
	"scrip/internal/store/sqlitestore"
	"scrip/internal/wallet"

	validator "github.com/pb33f/libopenapi-validator"
)

// bundle is a server on a real memory store and a real gate, with a clock that steps a millisecond each
// time somebody looks at it, so that ids sort in the order of their making.
type bundle struct {
	tb      testing.TB
	store   store.Store
	svc     httpapi.Services
	ring    *keyring.Ring // nil for a server that asks for no keys
	log     *slog.Logger  // of all parts; nil for none
	handler http.Handler
	url     string
	now     func() time.Time
	steps   atomic.Int64 // milliseconds
}

// dawn is when every bundle's clock begins.
var dawn = time.Date(2026, 3, 20, 12, 0, 0, 0, time.UTC)

func (b *bundle) clock() time.Time {
	return dawn.Add(time.Duration(b.steps.Add(1)) * time.Millisecond)
}

// silent observes nothing.
type silent struct{}

func (silent) Redeemed(bool)                     {}
func (silent) Refused(fault.Code, bool)          {}
func (silent) Flushed(int, time.Duration, error) {}

// setup starts a server; change may alter its configuration.
func setup(tb testing.TB, change ...func(*httpapi.Config)) *bundle {
	tb.Helper()
	b := &bundle{tb: tb}
	b.now = b.clock
	b.store = memstore.New(memstore.Options{Clock: b.now})
	b.redeemWith(b.store, change...)
	return b
}

// setupLive is setup by the machine's own clock, as facts in the gate grow old.
func setupLive(tb testing.TB) *bundle {
	tb.Helper()
	b := &bundle{tb: tb, store: memstore.New(memstore.Options{}), now: time.Now}
	b.redeemWith(b.store)
	return b
}

// setupFile is setup on the store that a server has by default.
func setupFile(tb testing.TB) *bundle {
	tb.Helper()
	b := &bundle{tb: tb}
	b.now = b.clock
	s, err := sqlitestore.Open(tb.Context(), sqlitestore.Config{
		Path: filepath.Join(tb.TempDir(), "scrip.db"), Clock: b.now, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Error(err)
		}
	})
	b.store = s
	b.redeemWith(s)
	return b
}

// redemptionStore is what a redemption is written to.
type redemptionStore = redemption.Store

// redeemWith starts the server, anew, with another store behind its redemptions.
func (b *bundle) redeemWith(s redemptionStore, change ...func(*httpapi.Config)) {
	b.tb.Helper()
	gate, err := memgate.New(memgate.Config{Clock: b.now})
	if err != nil {
		b.tb.Fatal(err)
	}
	quiet := slog.New(slog.DiscardHandler)
	if b.log != nil {
		quiet = b.log
	}
	redemptions, err := redemption.New(redemption.Config{MaxBatch: 512, MaxQueue: 8192, Clock: b.now, Log: quiet}, s, gate, silent{})
	if err != nil {
		b.tb.Fatal(err)
	}
	wallets, err := wallet.New(wallet.Config{MaxBatch: 512, MaxQueue: 8192}, b.store)
	if err != nil {
		b.tb.Fatal(err)
	}
	campaigns, err := campaign.New(campaign.Config{MaxBatch: 512, MaxQueue: 8192, Clock: b.now}, b.store, gate)
	if err != nil {
		b.tb.Fatal(err)
	}
	b.tb.Cleanup(func() {
		ctx := context.Background()
		_ = redemptions.Close(ctx)
		_ = campaigns.Close(ctx)
		_ = wallets.Close(ctx)
		_ = gate.Close()
	})
	b.svc = httpapi.Services{Redemptions: redemptions, Wallets: wallets, Campaigns: campaigns, Keys: b.keys(), Seals: seal.New(seal.Config{}, b.store)}
	cfg := httpapi.Config{Currency: "IRR", Log: quiet, Version: "1.2.3", Observe: observed}
	for _, c := range change {
		c(&cfg)
	}
	b.handler = httpapi.New(cfg, b.svc)
	server := httptest.NewServer(b.handler)
	b.tb.Cleanup(server.Close)
	b.url = server.URL
}

// reply is an answer that has been held to the contract.
type reply struct {
	status int
	header http.Header
	body   string
}

// do sends a request and holds its answer to the contract. Headers are "Name: value".
func (b *bundle) do(method, path, body string, headers ...string) reply {
	b.tb.Helper()
	req, err := http.NewRequestWithContext(b.tb.Context(), method, b.url+path, strings.NewReader(body))
	if err != nil {
		b.tb.Fatal(err)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Add(name, value)
	}
	return b.send(req, []byte(body))
}

func (b *bundle) send(req *http.Request, sent []byte) reply {
	b.tb.Helper()
	res, err := http.DefaultTransport.RoundTrip(req) // a redirect would be an answer of its own
	if err != nil {
		b.tb.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		b.tb.Fatal(err)
	}
	r := reply{status: res.StatusCode, header: res.Header, body: string(body)}
	holdToContract(b.tb, req, sent, res, body)
	return r
}

// contract is the validator, made once: it compiles every schema.
var contract = sync.OnceValues(func() (validator.Validator, error) {
	doc, err := libopenapi.NewDocument(api.OpenAPI)
	if err != nil {
		return nil, err
	}
	v, errs := validator.NewValidator(doc, config.WithFormatAssertions(), config.WithoutSecurityValidation())
	if len(errs) > 0 {
		return nil, errs[0]
	}
	return v, nil
})

// anyProblem is a request of the contract whose 404 is no more than a problem, to hold those answers to
// that belong to no operation.
const anyProblem = "http://127.0.0.1/v1/redemptions/rdm_01h455vb4pex5vsknk084sn02q"

// holdToContract checks an answer against api/openapi.yaml and, if the server took the request, the
// request as well: what it takes must be documented.
func holdToContract(tb testing.TB, req *http.Request, sent []byte, res *http.Response, body []byte) {
	tb.Helper()
	v, err := contract()
	if err != nil {
		tb.Fatal(err)
	}
	if res.Header.Get("X-Request-Id") == "" {
		tb.Errorf("%s %s: no X-Request-Id", req.Method, req.URL.Path)
	}
	if res.StatusCode == http.StatusNoContent || req.Method == http.MethodHead {
		if len(body) > 0 {
			tb.Errorf("%s %s: a body where there can be none: %q", req.Method, req.URL.Path, body)
		}
		return
	}
	if res.ContentLength < 0 {
		tb.Errorf("%s %s: no Content-Length", req.Method, req.URL.Path)
	}
	asked := req.Clone(req.Context())
	asked.Body = io.NopCloser(bytes.NewReader(sent))
	copied := *res
	code := problemCode(body)
	if code == fault.ErrNoRoute.Code || code == fault.ErrMethod.Code {
		asked, err = http.NewRequestWithContext(req.Context(), http.MethodGet, anyProblem, http.NoBody)
		if err != nil {
			tb.Fatal(err)
		}
		copied.StatusCode = http.StatusNotFound
	}
	copied.Body = io.NopCloser(bytes.NewReader(body))
	if ok, errs := v.ValidateHttpResponse(asked, &copied); !ok {
		for _, e := range errs {
			tb.Errorf("%s %s: the answer is not in the contract: %v %v\n%d %s", req.Method, req.URL.Path, e, e.SchemaValidationErrors, res.StatusCode, body)
		}
	}
	if res.StatusCode >= 300 || !strings.HasPrefix(asked.Header.Get("Content-Type"), "application/json") {
		return
	}
	if strings.HasSuffix(asked.URL.Path, "/batch") && bytes.Contains(body, []byte(`"problem"`)) {
		return // it may hold items that the contract does not allow, each answered by itself
	}
	asked.Body = io.NopCloser(bytes.NewReader(sent))
	if ok, errs := v.ValidateHttpRequest(asked); !ok {
		for _, e := range errs {
			tb.Errorf("%s %s: the server took a request that the contract does not: %v %v\n%s", req.Method, req.URL.Path, e, e.SchemaValidationErrors, sent)
		}
	}
}
