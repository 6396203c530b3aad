package front_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"testing"
	"time"

	"scrip/client"
	"scrip/internal/testenv"
)

// page is what another site's page tries. It reports to the site that it came from what its script was told:
// "ok STATUS" where it could read an answer, "opaque" where it was given none to read, "error" where the browser
// or the server refused it. SCRIP stands for the server's address.
const page = `<!doctype html><meta charset="utf-8"><title>elsewhere</title>
<iframe name="away" hidden></iframe>
<script>
const scrip = "SCRIP", said = {};
const use = JSON.stringify({code: "salam", mobile: "09120000001"});
const redeem = JSON.stringify({code: "salam", customer: "09120000001"});
const campaign = JSON.stringify({name: "theirs", effect: {kind: "credit", amount: 1}});

async function ask(name, path, options) {
  try {
    const answer = await fetch(scrip + path, options);
    said[name] = answer.type === "opaque" ? "opaque" : "ok " + answer.status;
  } catch { said[name] = "error"; }
}

function element(name, tag, path) {
  return new Promise(done => {
    const e = document.createElement(tag);
    e.onload = () => { said[name] = "ok"; done(); };
    e.onerror = () => { said[name] = "error"; done(); };
    if (tag === "link") { e.rel = "stylesheet"; e.href = scrip + path; } else { e.src = scrip + path; }
    document.head.append(e);
  });
}

function form(name, path, enctype, field, value) {
  return new Promise(done => {
    const f = document.createElement("form");
    f.method = "post"; f.action = scrip + path; f.enctype = enctype; f.target = "away";
    const i = document.createElement("input");
    i.name = field; i.value = value;
    f.append(i); document.body.append(f);
    document.querySelector("iframe").onload = () => { said[name] = "sent"; done(); };
    f.submit();
  });
}

async function all() {
  const json = {"Content-Type": "application/json"}, text = {"Content-Type": "text/plain"};
  await ask("cors json use", "/codes/use", {method: "POST", headers: json, body: use});
  await ask("cors text use", "/codes/use", {method: "POST", headers: text, body: use});
  await ask("no-cors use", "/codes/use", {method: "POST", mode: "no-cors", headers: text, body: use});
  await ask("no-cors untyped use", "/codes/use", {method: "POST", mode: "no-cors", body: new Blob([use])});
  await ask("no-cors bytes campaign", "/v1/campaigns", {method: "POST", mode: "no-cors", body: new TextEncoder().encode(campaign)});
  await ask("no-cors keepalive redeem", "/v1/redemptions", {method: "POST", mode: "no-cors", keepalive: true, body: new Blob([redeem])});
  await ask("same-origin use", "/codes/use", {method: "POST", mode: "same-origin", body: use});
  await ask("cors json redeem", "/v1/redemptions", {method: "POST", headers: {...json, "Idempotency-Key": "k", "Authorization": "Bearer pk_x"}, body: redeem});
  await ask("cors json campaign", "/v1/campaigns", {method: "POST", headers: json, body: campaign});
  await ask("cors untyped campaign", "/v1/campaigns", {method: "POST", body: new Blob([campaign])});
  await ask("cors patch", "/v1/campaigns/CAMPAIGN", {method: "PATCH", headers: json, body: '{"disabled":true}'});
  await ask("cors disable", "/v1/campaigns/CAMPAIGN/disable", {method: "POST"});
  await ask("no-cors disable", "/v1/campaigns/CAMPAIGN/disable", {method: "POST", mode: "no-cors"});
  await ask("cors read", "/v1/campaigns", {});
  await ask("no-cors read", "/v1/campaigns", {mode: "no-cors"});
  said["beacon"] = navigator.sendBeacon(scrip + "/codes/use", use) ? "sent" : "error";
  await element("image", "img", "/v1/campaigns");
  await element("script", "script", "/v1/campaigns");
  await element("style", "link", "/openapi.yaml");
  await form("form use", "/codes/use", "text/plain", '{"mobile":"09120000001","code":"salam","x', '":1}'.slice(1));
  await form("form urlencoded", "/codes/use", "application/x-www-form-urlencoded", "code", "salam");
  await form("form multipart", "/v1/campaigns", "multipart/form-data", "name", "theirs");
  await form("form disable", "/v1/campaigns/CAMPAIGN/disable", "text/plain", "a", "b");
  await fetch("/said", {method: "POST", body: JSON.stringify(said)});
}
all();
</script>`

// elsewhere is a site of its own, whose page reports what its script was told.
func elsewhere(t *testing.T) (*httptest.Server, *string, chan map[string]string) {
	t.Helper()
	html, said := new(string), make(chan map[string]string, 1)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, *html)
	})
	mux.HandleFunc("POST /said", func(_ http.ResponseWriter, r *http.Request) {
		var told map[string]string
		if err := json.NewDecoder(r.Body).Decode(&told); err != nil {
			told = map[string]string{"report": err.Error()}
		}
		said <- told
	})
	site := httptest.NewServer(mux)
	t.Cleanup(site.Close)
	return site, html, said
}

// visit opens a page in a real browser and returns what its script was told.
func visit(t *testing.T, url string, said <-chan map[string]string) map[string]string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), waitMax)
	defer cancel()
	told := make(chan map[string]string, 1)
	go func() {
		select {
		case s := <-said:
			told <- s
			cancel() // the browser is no longer needed
		case <-ctx.Done():
		}
	}()
	out := chromium(ctx, t, "--remote-debugging-port=0", url) // with the port it stays until it is ended
	select {
	case s := <-told:
		return s
	default:
		t.Fatalf("the page reported nothing; the browser said:\n%s", out)
		return nil
	}
}

// chromium runs a headless browser until it ends by itself or ctx does, and returns what it said.
func chromium(ctx context.Context, t *testing.T, args ...string) string {
	t.Helper()
	profile := t.TempDir()
	cmd := exec.CommandContext(ctx, testenv.Browser(t), append([]string{ //nolint:gosec // a browser of the system's
		"--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-extensions",
		"--disable-background-networking", "--disable-component-update", "--user-data-dir=" + profile,
	}, args...)...)
	cmd.WaitDelay = 10 * time.Second
	group(cmd)
	out, err := cmd.CombinedOutput()
	if err != nil && ctx.Err() == nil {
		t.Fatalf("the browser: %v\n%s", err, out)
	}
	return string(out)
}

// holdings is what is in the store, as far as a page could change it.
func holdings(t *testing.T, c *client.Client) string {
	t.Helper()
	campaigns, err := c.Campaigns(t.Context(), client.Page{})
	if err != nil {
		t.Fatal(err)
	}
	redemptions, err := c.Redemptions(t.Context(), client.RedemptionQuery{})
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%+v %+v", campaigns, redemptions)
}

// While the server is open on loopback, no page of another site can change a thing or read one.
func TestPagesFromElsewhereDriveNothing(t *testing.T) {
	t.Parallel()
	testenv.Browser(t)
	s := serve(t)
	c := s.sdk()
	s.code(c, "salam")
	before := holdings(t, c)
	site, html, said := elsewhere(t)
	*html = strings.NewReplacer("SCRIP", s.url, "CAMPAIGN", onlyCampaign(t, c)).Replace(page)
	told := visit(t, site.URL+"/", said)

	if after := holdings(t, c); after != before {
		t.Errorf("a page of another site changed the store:\nbefore %s\nafter  %s", before, after)
	}
	for name, got := range told {
		if strings.HasPrefix(got, "ok") {
			t.Errorf("%s: the page was told %q", name, got)
		}
	}
	if len(told) < 23 {
		t.Errorf("the page tried %d ways: %v", len(told), told)
	}
	// It was the server that refused them, not the browser that never sent them.
	for route, least := range map[string]float64{
		"POST /codes/use": 6, "POST /v1/redemptions": 1, "POST /v1/campaigns": 2, "POST /v1/campaigns/{campaign}/disable": 2,
	} {
		if n := s.metric("scrip_http_requests_total", `route="`+route+`"`, `code="403"`); n < least {
			t.Errorf("%s was refused %v times; want %v at least: %v", route, n, least, told)
		}
	}
	s.verify()
}

func onlyCampaign(t *testing.T, c *client.Client) string {
	t.Helper()
	all, err := c.Campaigns(t.Context(), client.Page{})
	if err != nil || len(all.Data) != 1 {
		t.Fatalf("%+v %v", all, err)
	}
	return all.Data[0].ID
}

// A site that is named may use the routes of publishable keys, and no other.
func TestPagesThatAreAllowed(t *testing.T) {
	t.Parallel()
	testenv.Browser(t)
	site, html, said := elsewhere(t)
	s := serve(t, "--allow-origins", site.URL)
	c := s.sdk()
	s.code(c, "salam")
	*html = strings.NewReplacer("SCRIP", s.url, "CAMPAIGN", onlyCampaign(t, c)).Replace(page)
	told := visit(t, site.URL+"/", said)
	for name, want := range map[string]string{
		"cors json use": "ok 200", "cors text use": "ok 400", // already redeemed, and that can be read
		"cors json redeem": "ok 400", "no-cors use": "opaque",
		"cors json campaign": "error", "cors untyped campaign": "error", "cors patch": "error", "cors disable": "error", "cors read": "error",
	} {
		if told[name] != want {
			t.Errorf("%s: the page was told %q; want %q", name, told[name], want)
		}
	}
	all, err := c.Campaigns(t.Context(), client.Page{})
	if err != nil || len(all.Data) != 1 || all.Data[0].Status != client.CampaignActive {
		t.Errorf("campaigns: %+v %v", all, err)
	}
}

// A name that somebody made to point here is not the server's: a page that was loaded under it would be of the
// same origin as the server.
func TestReboundNameIsRefused(t *testing.T) {
	t.Parallel()
	testenv.Browser(t)
	s := serve(t)
	_, port, _ := strings.Cut(s.address(), ":")
	ctx, cancel := context.WithTimeout(t.Context(), waitMax)
	defer cancel()
	for host, want := range map[string]string{"rebound.example": "unknown_host", "localhost": "Scrip redeems"} {
		got := chromium(ctx, t, "--host-resolver-rules=MAP rebound.example 127.0.0.1", "--dump-dom", "http://"+host+":"+port+"/")
		if !strings.Contains(got, want) {
			t.Errorf("%s: the browser shows %q; want %q", host, got, want)
		}
	}
	if n := s.metric("scrip_http_requests_total", `code="403"`); n < 1 {
		t.Error("no request was refused")
	}
}
