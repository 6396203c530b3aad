package cli_test

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"scrip/client"
	"scrip/internal/money"
)

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
		{"redeem salam 09121111111 --idempotency-key k", 0, "+989121111111 is number 1 of 2.|1,000,000 IRR|rdm_", ""},
		{"redeem salam 09121111111 --idempotency-key k", 0, "(the first answer again)", ""},
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
		{"code list --limit 1", 0, "two|There are more: scrip code list --url http://127.0.0.1:| --after vch_", ""},
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

// An amount is of the server's currency unless another is named, and is never read with the wrong number of digits.
func TestTheCurrencyIsTheServers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		currency money.Currency
		args     string
		code     int
		says     string
	}{
		{"EUR", "code create --code a --credit 12.50 --limit 2", 0, "Made the code a: 12.50 EUR for each of 2 uses."},
		{"EUR", "code create --credit 1 --unlimited", 0, ": 1 EUR for each of any number of uses."},
		{"EUR", "code create --code a --credit 12.50 --limit 2 --currency USD", 0, "12.50 USD"},
		{"EUR", "code create --code a --credit 1.234 --limit 2", 2, "--currency"},
		{"EUR", "code create --code !! --credit 5 --limit 2", 2, "invalid_code"},
		{"JPY", "code create --code a --credit 1000 --limit 2", 2, "this server's currency is JPY, whose amounts have 0 digits after the point: give --currency JPY; no code was made"},
		{"JPY", "code create --code a --credit 1000 --limit 2 --currency JPY", 0, "1,000 JPY"},
		{"KWD", "code create --credit 1.25 --limit 2", 2, "give --currency KWD"},
		{"KWD", "code create --credit 1.234 --limit 2 --currency KWD", 0, "1.234 KWD"},
	} {
		where := serverOf(t, c.currency)
		got := run(t, "", append(strings.Fields(c.args), "--url", where)...)
		if got.code != c.code || !strings.Contains(got.stdout+got.stderr, c.says) {
			t.Errorf("%s: %s: %+v", c.currency, c.args, got)
		}
		if left := run(t, "", "code", "list", "--url", where); c.code != 0 && left.stdout != "There is no code.\n" {
			t.Errorf("%s: %s: it left %s", c.currency, c.args, left.stdout)
		}
	}
	where := serverOf(t, "EUR")
	api, err := client.New(where)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second is refused before anything is made
		run(t, "", "code", "create", "--code=salam", "--credit=12.50", "--limit=9", "--url", where)
	}
	if all, err := api.Campaigns(t.Context(), client.Page{}); err != nil || len(all.Data) != 1 {
		t.Errorf("%+v, %v", all, err)
	}
	if got := run(t, "", "redeem", "salam", "09121111111", "--url", where); got.code != 0 || !strings.Contains(got.stdout, "12.50 EUR") {
		t.Errorf("%+v", got)
	}
	if b, err := api.Balance(t.Context(), "09121111111"); err != nil || b.Balance != "12.50" {
		t.Errorf("%+v, %v", b, err)
	}
}

// An order is in the code's currency unless another is named.
func TestTheCurrencyOfAnOrderIsTheCodes(t *testing.T) {
	t.Parallel()
	where := serverOf(t, "EUR")
	api, err := client.New(where)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := api.CreateCampaign(t.Context(), client.NewCampaign{
		Name: "off", Currency: "JPY", Effect: client.Effect{Kind: client.EffectDiscount, PercentBP: 1000},
		Voucher: &client.NewCampaignVoucher{Code: "off", PerCustomer: 9},
	}); err != nil {
		t.Fatal(err)
	}
	for args, c := range map[string]struct {
		code int
		says string
	}{
		"--order 2500":                {0, "250 JPY"},
		"--order 2500 --currency JPY": {0, "250 JPY"},
		"--order 2500 --currency EUR": {1, "currency_mismatch"},
		"--order 12.50":               {2, "--order"},
	} {
		got := run(t, "", append([]string{"redeem", "off", "anna", "--url", where}, strings.Fields(args)...)...)
		if got.code != c.code || !strings.Contains(got.stdout+got.stderr, c.says) {
			t.Errorf("%s: %+v", args, got)
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
	for given, says := range map[string]string{"salam\nx\n": "--credit is", "salam\n0\n": "--credit is", "salam\n5\n0\n": "the count"} {
		if got := run(t, given, "code", "create", "--url=http://127.0.0.1:1"); got.code != 2 || !strings.Contains(got.stderr, says) {
			t.Errorf("%q is not refused at once: %+v", given, got)
		}
	}
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
