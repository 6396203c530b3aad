// Package httpapi is the HTTP face of Scrip: routes, JSON and problems, over net/http's own mux.
//
// It promises that every answer is one that api/openapi.yaml describes, that every refusal is a problem
// with a stable code, and that no request makes it panic, hang or hold memory without bound. It decides
// nothing about vouchers and money: it turns a request into a use case's words and the verdict into
// bytes. It must not know the store or the gate.
//
// The hot routes allocate little: a body is read into a pooled buffer and decoded once, an answer is
// appended by hand to another and written in one piece, and nothing is logged unless the log wants it.
package httpapi

import (
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"path"
	"strings"
	"sync"
	"time"

	"scrip/internal/campaign"
	"scrip/internal/fault"
	"scrip/internal/keyring"
	"scrip/internal/limit"
	"scrip/internal/money"
	"scrip/internal/redemption"
	"scrip/internal/seal"
	"scrip/internal/wallet"
)

// Config is what the face needs besides the use cases.
type Config struct {
	// Currency is the one of the public routes and of campaigns that name none.
	Currency money.Currency
	// RequestTimeout bounds a request's wait for its verdict; zero is DefaultRequestTimeout.
	RequestTimeout time.Duration
	// Log takes what fails on our side; nil is slog.Default.
	Log *slog.Logger
	// AccessLog takes a line for every request; nil for none.
	AccessLog *AccessLog
	// LogUnmasked logs what failed word for word, with the path of each request. Without it what a request has sent (its
	// codes, customers and keys) is masked wherever an error's text repeats it.
	LogUnmasked bool
	// Observe is told of every answer, for the metrics: the route as a pattern ("POST /codes/use", or
	// "unmatched"), the status and the time it took. It must be fast and safe for concurrent use.
	Observe func(route string, status int, took time.Duration)
	// MaxInflight bounds the requests that are judged at once; zero is DefaultMaxInflight.
	MaxInflight int
	// MaxReceiving bounds those whose bodies are being read; zero is DefaultMaxReceiving.
	MaxReceiving int
	// Site says by which names and from which sites' pages the server may be asked; nil is the zero Site.
	Site *Site
	// Access knows the keys; nil for a server that asks for none.
	Access Access
	// Refused is told why a caller was refused, in a word, for the metrics. It must be fast and safe for
	// concurrent use; nil for nobody.
	Refused func(reason string)
	// Limits says who asks too often; nil for nobody.
	Limits *limit.Limiter
	// Proxies are the networks of proxies whose word about a client's address is taken; none by default.
	Proxies []netip.Prefix
	// MissStep is what misses on the public face are held back to multiples of, where there are Limits; zero is
	// DefaultMissStep.
	MissStep time.Duration
	// Metrics answers /metrics; without it there is no such route.
	Metrics http.Handler
	// Ready says why requests should go elsewhere, nil if they need not. A *fault.Error is shown.
	Ready func() error
	// Degraded names what is away and only makes the server faster, for /readyz; nil for nothing.
	Degraded func() []string
	// Version is shown by /healthz and /readyz.
	Version string
}

// DefaultMissStep is longer than a store near by takes for a refusal, and too short for a person to notice.
const DefaultMissStep = 5 * time.Millisecond

// DefaultRequestTimeout is shorter than the patience of the clients we know.
const DefaultRequestTimeout = 10 * time.Second

// DefaultMaxInflight and DefaultMaxReceiving are above what a test or a small server meets.
const (
	DefaultMaxInflight  = 1 << 13
	DefaultMaxReceiving = 1 << 14
)

// Services are the use cases.
type Services struct {
	Redemptions *redemption.Service
	Wallets     *wallet.Service
	Campaigns   *campaign.Service
	Keys        *keyring.Service
	Seals       *seal.Service
}

type server struct {
	cfg       Config
	svc       Services
	mux       *http.ServeMux
	known     map[string]bool // the patterns of routes
	lost      http.Handler    // answers where no route does
	shared    map[string]bool // those of routes for publishable keys
	crowd     crowd
	proxies   proxies
	lines     limitLines
	deadlines *deadlines
	exchanges sync.Pool
}

// New returns the face. The http.Server that carries it should set ReadHeaderTimeout and ReadTimeout: a
// handler can't see a body that trickles in.
func New(cfg Config, svc Services) http.Handler {
	if cfg.RequestTimeout == 0 {
		cfg.RequestTimeout = DefaultRequestTimeout
	}
	if cfg.MissStep == 0 {
		cfg.MissStep = DefaultMissStep
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	s := &server{
		cfg: cfg.settled(), svc: svc, mux: http.NewServeMux(),
		known: map[string]bool{}, shared: map[string]bool{}, deadlines: newDeadlines(cfg.RequestTimeout),
	}
	s.proxies = cfg.Proxies
	s.crowd.working.max, s.crowd.receiving.max = int64(s.cfg.MaxInflight), int64(s.cfg.MaxReceiving)
	s.exchanges.New = func() any { return &exchange{s: s} }
	s.lost = s.serve(&route{handle: s.unmatched, may: forAnyone, key: keyNeedless})
	s.mux.Handle("/", s.lost)
	routes := s.routes()
	for i := range routes {
		s.mux.Handle(routes[i].pattern(), s.serve(&routes[i]))
		s.known[routes[i].pattern()] = true
		s.shared[routes[i].pattern()] = routes[i].may.publishable
	}
	for i := range routes {
		s.unshadow(&routes[i])
	}
	return s
}

// settled is cfg with the bounds that were left open.
func (cfg Config) settled() Config {
	if cfg.MaxInflight == 0 {
		cfg.MaxInflight = DefaultMaxInflight
	}
	if cfg.MaxReceiving == 0 {
		cfg.MaxReceiving = DefaultMaxReceiving
	}
	if cfg.Site == nil {
		cfg.Site = &Site{}
	}
	return cfg
}

// methods are those that any route takes.
func methods() []string { return []string{http.MethodGet, http.MethodPost, http.MethodPatch} }

// unshadow keeps a path such as /v1/vouchers/lookup from being taken for the {voucher} of another route
// by a method that it does not take itself.
func (s *server) unshadow(rt *route) {
	if strings.Contains(rt.path, "{") {
		return
	}
	for _, method := range methods() {
		probe := &http.Request{Method: method, URL: &url.URL{Path: rt.path}}
		if _, pattern := s.mux.Handler(probe); strings.Contains(pattern, "{") && pattern != rt.pattern() {
			s.mux.Handle(method+" "+rt.path, s.lost)
		}
	}
}

// ServeHTTP routes a request. The mux would redirect a path with dots or doubled slashes in it; to us it
// is one that does not exist, because a redirected POST surprises everybody.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !clean(r) {
		s.lost.ServeHTTP(w, r)
		return
	}
	s.mux.ServeHTTP(w, r)
}

// clean reports whether the mux takes a request's path as it is.
func clean(r *http.Request) bool {
	p := r.URL.RawPath // set only where it differs from Path, as in %2F
	if p == "" {
		p = r.URL.Path
	}
	if n := len(p) - 1; n > 0 && p[n] == '/' {
		p = p[:n]
	}
	return p != "" && p[0] == '/' && path.Clean(p) == p
}

// unmatched answers where no route does: with what the path takes instead, or that there is no such path.
func (s *server) unmatched(x *exchange) error {
	allow := s.allowed(x.r)
	if allow == "" {
		return fault.ErrNoRoute
	}
	x.w.Header()["Allow"] = []string{allow}
	if x.r.Method == http.MethodOptions {
		x.preflight()
		x.status = http.StatusNoContent
		return nil
	}
	return fault.ErrMethod
}

// allowed lists the methods that r's path takes, empty for none.
func (s *server) allowed(r *http.Request) string {
	if !clean(r) {
		return ""
	}
	var allow []string
	probe := *r
	for _, method := range methods() {
		probe.Method = method
		if _, pattern := s.mux.Handler(&probe); !s.known[pattern] {
			continue
		}
		allow = append(allow, method)
		if method == http.MethodGet {
			allow = append(allow, http.MethodHead)
		}
	}
	if len(allow) == 0 {
		return ""
	}
	return strings.Join(append(allow, http.MethodOptions), ", ")
}
