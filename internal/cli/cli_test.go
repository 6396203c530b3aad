package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"scrip/client"
	"scrip/internal/campaign"
	"scrip/internal/cli"
	"scrip/internal/gate/memgate"
	"scrip/internal/httpapi"
	"scrip/internal/metrics"
	"scrip/internal/redemption"
	"scrip/internal/store/memstore"
	"scrip/internal/wallet"
)

// ran is what a command did.
type ran struct {
	code           int
	stdout, stderr string
}

func run(t *testing.T, stdin string, args ...string) ran {
	t.Helper()
	var out, errs bytes.Buffer
	code := cli.Run(t.Context(), cli.Process{
		Args: args, Stdin: strings.NewReader(stdin), Stdout: &out, Stderr: &errs, Version: "v9",
	})
	return ran{code, out.String(), errs.String()}
}

// server is the real HTTP face over the memory store.
func server(t *testing.T) string {
	t.Helper()
	s := memstore.New(memstore.Options{})
	g, err := memgate.New(memgate.Config{})
	if err != nil {
		t.Fatal(err)
	}
	quiet := slog.New(slog.DiscardHandler)
	r, err := redemption.New(redemption.Config{MaxBatch: 64, MaxQueue: 1024, Log: quiet}, s, g, metrics.New("test"))
	if err != nil {
		t.Fatal(err)
	}
	w, err := wallet.New(wallet.Config{MaxBatch: 64, MaxQueue: 1024}, s)
	if err != nil {
		t.Fatal(err)
	}
	face := httptest.NewServer(httpapi.New(httpapi.Config{Currency: "IRR", Log: quiet},
		httpapi.Services{Redemptions: r, Wallets: w, Campaigns: campaign.New(s, g, nil)}))
	t.Cleanup(func() {
		face.Close()
		for _, err := range []error{r.Close(context.Background()), w.Close(context.Background()), g.Close()} {
			if err != nil {
				t.Error(err)
			}
		}
	})
	return face.URL
}

// decode reads the one JSON document that text must be.
func decode[T any](t *testing.T, text string) T {
	t.Helper()
	var v T
	d := json.NewDecoder(strings.NewReader(text))
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%v in %q", err, text)
	}
	if d.More() {
		t.Fatalf("more than one document: %q", text)
	}
	return v
}

func TestALifeOfACode(t *testing.T) {
	t.Parallel()
	where := "--url=" + server(t)
	for _, c := range []struct {
		args   string
		code   int
		stdout string // all of these, separated by |
		stderr string
	}{
		{"code list", 0, "There is no code.", ""},
		{"code create --code salam --credit 1000000 --limit 2", 0, "Made the code salam: 1,000,000 IRR for each of 2 uses.|vch_|cmp_", ""},
		{"code create --code SA-LAM --credit 1 --limit 2", 1, "", "code_taken"},
		{"code create --code two --credit 12.5 --currency EUR --unlimited --per-customer 2", 0, "12.50 EUR for each of any number of uses", ""},
		{"redeem salam 09121111111 --key k", 0, "+989121111111 is number 1 of 2.|1,000,000 IRR|rdm_", ""},
		{"redeem salam 09121111111 --key k", 0, "(the first answer again)", ""},
		{"redeem salam 09121111111", 1, "", "already_redeemed|It was number 1"},
		{"code disable salam", 0, "status|disabled", ""},
		{"redeem salam 09122222222", 1, "", "voucher_disabled"},
		{"code enable salam", 0, "open", ""},
		{"redeem salam 09122222222", 0, "number 2 of 2", ""},
		{"redeem salam 09123333333", 1, "", "quantity_exceeded"},
		{"redeem nothing 09123333333", 1, "", "voucher_not_found"},
		{"redeem !! 09123333333", 2, "", "invalid_code"},
		{"code show salam", 0, "sold_out|credit of 1,000,000 IRR|2 uses|remaining     0", ""},
		{"code show nothing", 1, "", "voucher_not_found"},
		{"code list --limit 1", 0, "two|There are more: scrip code list --after vch_", ""},
		{"wallet show 09121111111 --transactions 5", 0, "+989121111111|1,000,000 IRR|redemption|txn_", ""},
		{"wallet show 09129999999", 0, "none yet", ""},
		{"stampede --code two --customers 200 --concurrency 8", 0, "EXACT|200, expected 200", ""},
		{"stampede --code salam --customers 50 --concurrency 8 --repeat 2", 0, "EXACT|0, expected 0|quantity_exceeded  50", ""},
		{"stampede --code two --repeat 1", 2, "", "leave --repeat out"},
		{"stampede --code nothing", 1, "", "voucher_not_found"},
	} {
		got := run(t, "", append(strings.Fields(c.args), where)...)
		if got.code != c.code {
			t.Fatalf("%s: exit %d, want %d\n%s%s", c.args, got.code, c.code, got.stdout, got.stderr)
		}
		for want := range strings.SplitSeq(c.stdout, "|") {
			if !strings.Contains(got.stdout, want) {
				t.Errorf("%s: no %q in\n%s", c.args, want, got.stdout)
			}
		}
		for want := range strings.SplitSeq(c.stderr, "|") {
			if !strings.Contains(got.stderr, want) {
				t.Errorf("%s: no %q in\n%s", c.args, want, got.stderr)
			}
		}
		if (got.stderr == "") != (c.stderr == "") || c.code != 0 && got.stdout != "" {
			t.Errorf("%s: stdout %q, stderr %q", c.args, got.stdout, got.stderr)
		}
	}
}

func TestJSONIsOneDocument(t *testing.T) {
	t.Parallel()
	where := "--url=" + server(t)
	made := run(t, "", "code", "create", "--json", where, "--code=x", "--credit=5", "--limit=10")
	if v := decode[client.Voucher](t, made.stdout); v.Code != "x" || *v.Limit != 10 || v.Effect.Amount != 500 {
		t.Errorf("%+v", v)
	}
	won := run(t, "", "redeem", "x", "anna", "--json", where)
	if r := decode[client.Redemption](t, won.stdout); r.Rank != 1 || r.Customer != "anna" {
		t.Errorf("%+v", r)
	}
	lost := run(t, "", "redeem", "x", "anna", where, "--json")
	if p := decode[client.Error](t, lost.stderr); lost.code != 1 || lost.stdout != "" || p.Code != client.CodeAlreadyRedeemed || p.Redemption == nil {
		t.Errorf("%+v", lost)
	}
	shown := run(t, "", "wallet", "show", "anna", "--transactions=1", "--json", where)
	if w := decode[struct {
		client.Wallet

		Transactions []client.Transaction
	}](t, shown.stdout); w.Balance("IRR") != 500 || len(w.Transactions) != 1 {
		t.Errorf("%+v", w)
	}
	list := run(t, "", "code", "list", "--json", where)
	if l := decode[client.List[client.Voucher]](t, list.stdout); len(l.Data) != 1 || l.HasMore {
		t.Errorf("%+v", l)
	}
	flood := run(t, "", "stampede", "--json", where, "--code=x", "-n", "30", "-c", "4", "--repeat=2")
	s := decode[struct {
		Winners  int64            `json:"winners"`
		Refusals map[string]int64 `json:"refusals"`
		Requests int64            `json:"requests"`
		Errors   *int64           `json:"errors"`
		Rate     float64          `json:"rate_per_second"`
		P50      float64          `json:"p50_ms"`
		P99      float64          `json:"p99_ms"`
		Exact    bool             `json:"exact"`
		Wrong    []string         `json:"wrong"`
	}](t, flood.stdout)
	if flood.code != 0 || !s.Exact || s.Winners != 9 || s.Refusals["quantity_exceeded"] != 21 || s.Requests < 120 || s.Errors == nil || s.Rate <= 0 || s.P99 < s.P50 || s.Wrong == nil {
		t.Errorf("%+v", flood)
	}
}

func TestAStampedeThatIsNotExactExitsWithOne(t *testing.T) {
	t.Parallel()
	honest, err := url.Parse(server(t))
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(honest)
	liar := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/v1/wallets/") {
			_, _ = w.Write([]byte(`{"balances":[{"amount":1000,"currency":"IRR"}]}`))
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	defer liar.Close()
	where := "--url=" + liar.URL
	if got := run(t, "", "code", "create", "--code=x", "--credit=5", "--limit=10", where); got.code != 0 {
		t.Fatalf("%+v", got)
	}
	got := run(t, "", "stampede", "--code=x", "-n", "20", "-c", "4", where)
	if got.code != 1 || !strings.HasPrefix(got.stdout, "NOT EXACT") || !strings.Contains(got.stdout, "has 1000 in the wallet, but it must be 500") {
		t.Errorf("%+v", got)
	}
}

func TestTheQuestionsOfCreate(t *testing.T) {
	t.Parallel()
	where := "--url=" + server(t)
	got := run(t, "salam\n 1000000 \n2000", "code", "create", where)
	if got.code != 0 || got.stderr != "" || !strings.Contains(got.stdout, "Made the code salam: 1,000,000 IRR for each of 2,000 uses.") {
		t.Errorf("%+v", got)
	}
	for _, bad := range []string{"", "salam", "salam\n", "salam\nx\n5\n", "salam\n5\nmany\n", "salam\n5\n-1\n", strings.Repeat("x", 1<<20)} {
		if got := run(t, bad, "code", "create", where); got.code != 2 || got.stdout != "" {
			t.Errorf("%.20q: %+v", bad, got)
		}
	}
}

func TestWrongCommandLinesExitWithTwo(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ args, says string }{
		{"", "scrip --help"},
		{"server", "see scrip --help"},
		{"serve --lisen x", "scrip serve --help"},
		{"serve --listen 0.0.0.0:8000", "--listen (SCRIP_LISTEN)"},
		{"serve --max-batch 0", "--max-batch (SCRIP_MAX_BATCH)"},
		{"serve --database-url postgres://u:secret@h/d", "--database-url (SCRIP_DATABASE_URL)"},
		{"config --log-level loud", "--log-level (SCRIP_LOG_LEVEL)"},
		{"config --max-queue many", "--max-queue"},
		{"verify --data /nowhere/at/all", "there is no database"},
		{"code create --code x --limit 5", "--credit is missing"},
		{"code create --code x --credit 5", "either --limit"},
		{"code create --code x --credit 5 --limit 5 --unlimited", "either --limit"},
		{"code create --code x --credit -5 --limit 5", "--credit"},
		{"code create --code x --credit=-5 --limit 5", "--credit"},
		{"code create --code x --credit 1.234 --limit 5", "--credit"},
		{"code create --code x --credit 99999999999999999999 --limit 5", "--credit"},
		{"code create --code x --credit 5 --limit 99999999999999999999", "--limit"},
		{"code create --code x --credit 5 --limit 5 --currency EURO", "--currency"},
		{"code create --code x --credit 5 --limit 5 --per-customer 0", "--per-customer"},
		{"code create --code x --credit 5 --limit 5 --ends-at tomorrow", "--ends-at"},
		{"code show", "code"},
		{"redeem x", "customer"},
		{"redeem x y --url nowhere", "--url (SCRIP_URL)"},
		{"redeem x y --order abc", "--order"},
		{"wallet show x --transactions 101", "--transactions"},
		{"stampede", "--code"},
		{"stampede --code x --customers 0", "customers"},
		{"stampede --code x --concurrency 0", "concurrency"},
	} {
		got := run(t, "", strings.Fields(c.args)...)
		if got.code != 2 || got.stdout != "" || !strings.Contains(got.stderr, c.says) {
			t.Errorf("%q: %+v", c.args, got)
		}
		if strings.Contains(got.stderr, "secret") || strings.Count(strings.TrimSpace(got.stderr), "\n") > 0 {
			t.Errorf("%q: %s", c.args, got.stderr)
		}
		asJSON := run(t, "", append(strings.Fields(c.args), "--json")...)
		if p := decode[client.Error](t, asJSON.stderr); asJSON.code != 2 || p.Code == "" || p.Detail == "" || asJSON.stdout != "" {
			t.Errorf("%q: %+v", c.args, asJSON)
		}
	}
}

func TestNobodyThereExitsWithThree(t *testing.T) {
	t.Parallel()
	for _, args := range []string{"code list", "redeem x y", "wallet show y", "stampede --code x"} {
		got := run(t, "", append(strings.Fields(args), "--url=http://127.0.0.1:1")...)
		if got.code != 3 || !strings.Contains(got.stderr, "can't reach http://127.0.0.1:1: connect: connection refused; is it running?") {
			t.Errorf("%s: %+v", args, got)
		}
	}
}

func TestHelpShowsAnExampleOfEveryCommand(t *testing.T) {
	t.Parallel()
	all := run(t, "", "--help")
	if all.code != 0 || all.stderr != "" || !strings.Contains(all.stdout, "Exit codes") {
		t.Fatalf("%+v", all)
	}
	for _, command := range []string{
		"serve", "code create", "code show", "code list", "code disable", "code enable", "redeem", "wallet show",
		"stampede", "verify", "migrate up", "migrate status", "config", "version",
	} {
		if !strings.Contains(all.stdout, "\n  "+command) {
			t.Errorf("%s is not listed", command)
		}
		got := run(t, "", append(strings.Fields(command), "--help")...)
		if got.code != 0 || !strings.Contains(got.stdout, "Example:") || !strings.Contains(got.stdout, "scrip "+command) {
			t.Errorf("%s: %+v", command, got)
		}
	}
}

func TestVersionAndMigrations(t *testing.T) {
	t.Parallel()
	if got := run(t, "", "version"); got.code != 0 || !strings.HasPrefix(got.stdout, "scrip v9 (go") {
		t.Errorf("%+v", got)
	}
	data := "--data=" + filepath.Join(t.TempDir(), "data")
	if got := run(t, "", "migrate", "status", data); got.code != 0 || !strings.Contains(got.stdout, "no") {
		t.Errorf("%+v", got)
	}
	if got := run(t, "", "migrate", "up", data); got.code != 0 || strings.Contains(got.stdout, "no\n") {
		t.Errorf("%+v", got)
	}
	if got := run(t, "", "verify", data); got.code != 0 || !strings.Contains(got.stdout, "Every invariant holds.") {
		t.Errorf("%+v", got)
	}
	if got := run(t, "", "verify", "--json", data); got.code != 0 || !strings.Contains(got.stdout, `"sound":true`) || !strings.Contains(got.stdout, `"findings":[]`) {
		t.Errorf("%+v", got)
	}
}

// The next ones change the process's environment and folder, and so can't be parallel.

func TestWhatWins(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile(".env", []byte("SCRIP_MAX_BATCH=11\nSCRIP_MAX_QUEUE=5000\nSCRIP_DATA='from file'\nSCRIP_LISTN=x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SCRIP_MAX_QUEUE", "6000")
	t.Setenv("SCRIP_DATA", "from environment")
	got := run(t, "", "config", "--json", "--data=from flag")
	values := map[string]string{}
	for _, s := range decode[struct {
		Settings []struct{ Name, Value string }
	}](t, got.stdout).Settings {
		values[s.Name] = s.Value
	}
	for name, want := range map[string]string{"max-batch": "11", "max-queue": "6000", "data": "from flag", "listen": "127.0.0.1:8000"} {
		if values[name] != want {
			t.Errorf("%s is %q, want %q", name, values[name], want)
		}
	}
	if got.stderr != "" {
		t.Errorf("stderr: %q", got.stderr)
	}
	if got := run(t, "", "config"); !strings.Contains(got.stderr, "SCRIP_LISTN means nothing here") {
		t.Errorf("stderr: %q", got.stderr)
	}
	t.Setenv("SCRIP_MAX_BATCH", "many")
	if got := run(t, "", "config"); got.code != 2 || !strings.Contains(got.stderr, "SCRIP_MAX_BATCH") {
		t.Errorf("%+v", got)
	}
	t.Setenv("SCRIP_MAX_BATCH", "0")
	if got := run(t, "", "serve"); got.code != 2 || !strings.Contains(got.stderr, "SCRIP_MAX_BATCH") {
		t.Errorf("%+v", got)
	}
}

func TestABrokenDotEnvIsNamed(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile(".env", []byte("SCRIP_DATA=x\nnonsense hunter2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := run(t, "", "config"); got.code != 2 || !strings.Contains(got.stderr, ".env:2") || strings.Contains(got.stderr, "hunter2") {
		t.Errorf("%+v", got)
	}
}

func TestTheURLComesFromTheEnvironmentToo(t *testing.T) {
	t.Setenv("SCRIP_URL", server(t))
	if got := run(t, "", "code", "list"); got.code != 0 || got.stdout != "There is no code.\n" {
		t.Errorf("%+v", got)
	}
}
