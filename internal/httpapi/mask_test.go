package httpapi_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"scrip/internal/access"
	"scrip/internal/httpapi"
	"scrip/internal/id"
	"scrip/internal/ledger"
	"scrip/internal/metrics"
	"scrip/internal/store"
	"scrip/internal/store/memstore"
	"scrip/internal/voucher"
)

// What strangers and customers send here, easy to find again however it is written.
//
//nolint:gosec // secrets of nobody
const (
	secretCode   = "Zq7-Secret-Kode"
	secretMobile = "0912 765 4321"
	secretIdem   = "idem77secret"
	secretKey    = "sk_secret77secret77secret77"
	secretOrder  = "order77secret"
)

// betrayals are what must stand in no log line: parts of the above, as they are sent and as they are normalised.
func betrayals() []string {
	return []string{"q7-Secr", "Q7SECRET", "765 432", "27654321", "۲۷۶۵۴۳۲۱", "idem77", "secret77", "order77", "reason77"}
}

// The moods of a leaky store.
const (
	sound int32 = iota
	failing
	panicking
)

// leaky is a store that, when it fails, repeats all that it was asked: as bad as an error can be.
type leaky struct {
	store.Store
	mood atomic.Int32
}

// leak fails, or panics, with all arguments.
func (l *leaky) leak(args ...any) error {
	text, err := json.Marshal(args)
	if err != nil {
		text = fmt.Appendf(nil, "%+v", args)
	}
	switch l.mood.Load() {
	case failing:
		return fmt.Errorf("the disk is full: %s", text)
	case panicking:
		panic("the disk is full: " + string(text))
	default:
		return nil
	}
}

func (l *leaky) Apply(ctx context.Context, c []store.Command) ([]store.Outcome, error) {
	if err := l.leak(c); err != nil {
		return nil, err
	}
	return l.Store.Apply(ctx, c)
}

func (l *leaky) Lookup(ctx context.Context, keys []string) ([]store.Listing, time.Time, error) {
	if err := l.leak(keys); err != nil {
		return nil, time.Time{}, err
	}
	return l.Store.Lookup(ctx, keys)
}

func (l *leaky) Claims(ctx context.Context, customer string, v *voucher.Voucher) (voucher.Claims, *voucher.Redemption, error) {
	if err := l.leak(customer, v); err != nil {
		return voucher.Claims{}, nil, err
	}
	return l.Store.Claims(ctx, customer, v)
}

func (l *leaky) Balances(ctx context.Context, wallets []store.WalletRef) ([]int64, error) {
	if err := l.leak(wallets); err != nil {
		return nil, err
	}
	return l.Store.Balances(ctx, wallets)
}

func (l *leaky) Wallet(ctx context.Context, customer string) ([]ledger.Balance, error) {
	if err := l.leak(customer); err != nil {
		return nil, err
	}
	return l.Store.Wallet(ctx, customer)
}

func (l *leaky) Transactions(ctx context.Context, w store.WalletRef, p store.Page) ([]ledger.Transfer, bool, error) {
	if err := l.leak(w, p); err != nil {
		return nil, false, err
	}
	return l.Store.Transactions(ctx, w, p)
}

func (l *leaky) ListRedemptions(ctx context.Context, f store.RedemptionFilter, p store.Page) ([]voucher.Redemption, bool, error) {
	if err := l.leak(f, p); err != nil {
		return nil, false, err
	}
	return l.Store.ListRedemptions(ctx, f, p)
}

func (l *leaky) Redemption(ctx context.Context, r id.ID) (*voucher.Redemption, error) {
	if err := l.leak(r); err != nil {
		return nil, err
	}
	return l.Store.Redemption(ctx, r)
}

func (l *leaky) Create(ctx context.Context, c store.Creation) (store.Creation, bool, error) {
	if err := l.leak(c); err != nil {
		return c, false, err
	}
	return l.Store.Create(ctx, c)
}

func (l *leaky) AmendVoucher(ctx context.Context, v id.ID, p voucher.Patch, by access.By) (store.Listing, error) {
	if err := l.leak(v, p, by); err != nil {
		return store.Listing{}, err
	}
	return l.Store.AmendVoucher(ctx, v, p, by)
}

func (l *leaky) CreateKey(ctx context.Context, k access.Key, first bool, by access.By) (access.Key, error) {
	if err := l.leak(k, by); err != nil {
		return k, err
	}
	return l.Store.CreateKey(ctx, k, first, by)
}

// No secret, code or mobile is in the log, at debug level, in either form, whatever is asked and however the store fails;
// nor is one in the metrics.
func TestNothingThatWasSentIsLogged(t *testing.T) {
	t.Parallel()
	options := &slog.HandlerOptions{Level: slog.LevelDebug}
	for name, handler := range map[string]func(io.Writer) slog.Handler{
		"text": func(w io.Writer) slog.Handler { return slog.NewTextHandler(w, options) },
		"json": func(w io.Writer) slog.Handler { return slog.NewJSONHandler(w, options) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			log := &logged{}
			l := slog.New(handler(log))
			counts := metrics.New("1.2.3")
			access := httpapi.NewAccessLog(l)
			b := &bundle{tb: t, log: l}
			b.now = b.clock
			s := &leaky{Store: memstore.New(memstore.Options{Clock: b.now})}
			b.store = s
			b.redeemWith(s, func(c *httpapi.Config) {
				c.AccessLog, c.Observe, c.Metrics = access, counts.Request, counts.Handler()
			})
			asked := 0
			for mood := range panicking + 1 {
				s.mood.Store(mood)
				asked += askEverything(t, b.handler)
			}
			access.Close()
			text := log.text()
			if n := strings.Count(text, "the disk is full") + strings.Count(text, "type string"); n < 40 || strings.Count(text, "request_id") != asked {
				t.Errorf("of %d requests there are %d lines, %d of them about failures", asked, strings.Count(text, "request_id"), n)
			}
			text += record(t, counts.Handler(), "/metrics").body
			for _, secret := range betrayals() {
				if at := strings.Index(text, secret); at >= 0 {
					t.Errorf("%q is in the log: …%s…", secret, text[max(0, at-1000):min(len(text), at+60)])
				}
			}
		})
	}
}

// Asked for, what failed is logged word for word.
func TestUnmasked(t *testing.T) {
	t.Parallel()
	log := &logged{}
	s := &leaky{Store: memstore.New(memstore.Options{})}
	b := &bundle{tb: t, store: s, now: time.Now}
	b.redeemWith(s, func(c *httpapi.Config) { c.Log, c.LogUnmasked = log.logger(), true })
	for mood := failing; mood <= panicking; mood++ {
		s.mood.Store(mood)
		record(t, b.handler, "/v1/wallets/"+escape(secretIdem)+"/transactions")
	}
	if text := log.text(); strings.Count(text, "path=/v1/wallets/"+secretIdem) != 2 || strings.Count(text, "disk is full: ") != 2 {
		t.Error(text)
	}
}

// askEverything asks every route in many ways, and returns how often it asked.
func askEverything(t *testing.T, h http.Handler) int {
	t.Helper()
	bodies := []string{
		``, `{`, `{"code":` + secretCode + `}`, `{"` + secretCode + `":1}`, "{\"code\":\"" + secretCode + "\xff\"}",
		fmt.Sprintf(`{"code":%q,"mobile":%q}`, secretCode, secretMobile),
		fmt.Sprintf(`{"mobile":%q}`, secretMobile), fmt.Sprintf(`{"code":%q}`, secretCode), fmt.Sprintf(`{"mobile":%q}`, "۰۹۱۲۷۶۵۴۳۲۱"),
		fmt.Sprintf(`{"code":%q,"customer":%q}`, secretCode, secretMobile),
		fmt.Sprintf(`{"code":%q,"customer":%q,"order":{"id":%q,"amount":5,"currency":"IRR"}}`, secretCode, secretMobile, secretOrder),
		fmt.Sprintf(`{"redemptions":[{"code":%q,"customer":%q,"idempotency_key":%q}]}`, secretCode, secretMobile, secretIdem),
		fmt.Sprintf(`{"name":"n","effect":{"kind":"credit","amount":5},"voucher":{"code":%q,"limit":5,"customer":%q}}`, secretCode, secretMobile),
		fmt.Sprintf(`{"code":%q,"campaign":"cmp_01h455vb4pex5vsknk084sn02q"}`, secretCode),
		fmt.Sprintf(`{"customer":%q}`, secretMobile), `{"reason":"reason77"}`, `{"name":"reason77","kind":"secret","scopes":["read"]}`,
	}
	queries := []string{"", "?code=" + secretIdem + "&customer=" + escape(secretMobile), "?customer=" + escape(secretMobile), "?starting_after=" + secretIdem}
	asked := 0
	for _, rt := range httpapi.Routes() {
		names := []string{""}
		head, tail, named := strings.Cut(rt.Path, "{")
		if named {
			_, tail, _ = strings.Cut(tail, "}")
			names = []string{escape(secretMobile), secretIdem, "rdm_01h455vb4pex5vsknk084sn02q", "vch_01h455vb4pex5vsknk084sn02q", "cmp_01h455vb4pex5vsknk084sn02q"}
		}
		for _, name := range names {
			for n, body := range bodies {
				if rt.BytesMax == 0 && n >= len(queries) {
					break
				}
				path, query := head+name+tail, queries[n%len(queries)]
				if rt.BytesMax > 0 {
					query = ""
				}
				req := httptest.NewRequestWithContext(t.Context(), rt.Method, path+query, strings.NewReader(body))
				req.Header.Set("Content-Type", "application/json")
				req.Header.Set("Authorization", "Bearer "+secretKey)
				req.Header.Set("Cookie", "session="+secretKey)
				if n%2 == 0 && rt.Method != http.MethodGet {
					req.Header.Set("Idempotency-Key", secretIdem)
				}
				h.ServeHTTP(httptest.NewRecorder(), req)
				asked++
			}
		}
	}
	for _, path := range []string{"/" + secretIdem, "/v1/" + escape(secretMobile), "/codes/use?code=" + secretIdem} {
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, http.NoBody))
		asked++
	}
	return asked
}
