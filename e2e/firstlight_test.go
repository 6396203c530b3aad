package e2e_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"scrip/client"
)

// curl posts a body as curl -d does, with a form's content type.
func curl(t *testing.T, url, body string) (status int, contentType, text string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close() //nolint:errcheck // read to its end
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, res.Header.Get("Content-Type"), string(b)
}

func TestFirstLight(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	p := serve(t, data, "127.0.0.1:0", "--demo")
	for _, want := range []string{p.url, "SQLite", "in process", "loopback", "/codes/use", "/wallet/balance", "/codes/report"} {
		if !strings.Contains(p.stdout.String(), want) {
			t.Errorf("the welcome does not mention %s:\n%s", want, p.stdout)
		}
	}
	for _, c := range []struct{ path, body, answer string }{
		{"/codes/use", `{"code":"salam","mobile":"093648644710"}`, "Congratulation your credit increased! 🎉"},
		{"/wallet/balance", `{"mobile":"093648644710"}`, `{"mobile":"093648644710","balance":1000000}`},
		{"/codes/report", `{"code":"salam"}`, `{"code":"salam","credit":1000000,"consumerCount":1999}`},
		{"/codes/use", `{"code":"SALAM","mobile":"09120401761"}`, "Congratulation your credit increased! 🎉"},
		{"/wallet/balance", `{"mobile":"۰۹۱۲۰۴۰۱۷۶۱"}`, `{"mobile":"۰۹۱۲۰۴۰۱۷۶۱","balance":1000000}`},
	} {
		status, _, text := curl(t, p.url+c.path, c.body)
		if status != http.StatusOK || !same(text, c.answer) {
			t.Errorf("%s %s: %d %s", c.path, c.body, status, text)
		}
	}
	for _, c := range []struct {
		body string
		code client.Code
	}{
		{`{"code":"salam","mobile":"093648644710"}`, client.CodeAlreadyRedeemed},
		{`{"code":"nothing","mobile":"093648644710"}`, client.CodeNotRedeemable},
		{`{"code":"salam"`, client.CodeMalformedJSON},
	} {
		status, contentType, text := curl(t, p.url+"/codes/use", c.body)
		var problem client.Error
		if err := json.Unmarshal([]byte(text), &problem); err != nil || problem.Code != c.code || status != 400 && status != 404 || contentType != "application/problem+json" {
			t.Errorf("%s: %d %s %s", c.body, status, contentType, text)
		}
	}
	p.stop()
	if info, err := os.Stat(filepath.Join(data, "scrip.db")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the database: %v %v", info, err)
	}
	p = serve(t, data, "127.0.0.1:0", "--demo") // the demo code is not made twice, and nothing is forgotten
	if _, _, text := curl(t, p.url+"/codes/report", `{"code":"salam"}`); !same(text, `{"code":"salam","credit":1000000,"consumerCount":1998}`) {
		t.Errorf("after a restart: %s", text)
	}
	p.stop()
}

// same compares JSON by its meaning, and other texts as they stand.
func same(a, b string) bool {
	var x, y any
	if json.Unmarshal([]byte(a), &x) != nil || json.Unmarshal([]byte(b), &y) != nil {
		return a == b
	}
	p, errP := json.Marshal(x)
	q, errQ := json.Marshal(y)
	return errP == nil && errQ == nil && bytes.Equal(p, q)
}

func TestCommandsAndTheirExitCodes(t *testing.T) {
	t.Parallel()
	p := serve(t, filepath.Join(t.TempDir(), "data"), "127.0.0.1:0")
	env := []string{"SCRIP_URL=" + p.url}
	for _, c := range []struct {
		args  string
		stdin string
		code  int
	}{
		{"version", "", 0},
		{"config", "", 0},
		{"config --log-level loud", "", 2},
		{"frobnicate", "", 2},
		{"code create --code x --credit 10 --limit 1", "", 0},
		{"code create --code x --credit 10 --limit 1", "", 1},
		{"code create", "y\n5\n100\n", 0},
		{"code show y", "", 0},
		{"code show z", "", 1},
		{"code list --json", "", 0},
		{"redeem x 09121111111", "", 0},
		{"redeem x 09122222222", "", 1},
		{"code disable y", "", 0},
		{"redeem y 09121111111", "", 1},
		{"code enable y", "", 0},
		{"redeem y 09121111111 --json", "", 0},
		{"wallet show 09121111111", "", 0},
		{"stampede --code y --customers 300 --concurrency 8 --repeat 1", "", 0},
		{"migrate up --data " + p.data, "", 2}, // the server has it
		{"migrate status --data " + p.data, "", 0},
		{"verify --data " + p.data, "", 0}, // beside the server
		{"redeem x y --url http://127.0.0.1:1", "", 3},
	} {
		got := scripIn(t, t.TempDir(), c.stdin, env, strings.Fields(c.args)...)
		if got.code != c.code {
			t.Errorf("scrip %s exits with %d, want %d:\n%s%s", c.args, got.code, c.code, got.stdout, got.stderr)
		}
		if (c.code == 0) != (got.stderr == "") || strings.Contains(got.stderr, "goroutine") {
			t.Errorf("scrip %s says on stderr:\n%s", c.args, got.stderr)
		}
	}
	p.stop()
}

func TestADotEnvFileIsRead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, ".env"), []byte("SCRIP_LOG_FORMAT=json\nSCRIP_MAX_BATCH=77\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	got := scripIn(t, dir, "", []string{"SCRIP_MAX_BATCH=78"}, "config")
	if got.code != 0 || !strings.Contains(got.stdout, "json") || !strings.Contains(got.stdout, "78") {
		t.Errorf("%+v", got)
	}
}

func TestReadySoon(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	serve(t, data, "127.0.0.1:0").stop()
	began := time.Now()
	p := serve(t, data, "127.0.0.1:0")
	if _, err := p.sdk().Ready(t.Context()); err != nil {
		t.Error(err)
	}
	took := time.Since(began)
	t.Logf("ready after %v on an existing database", took)
	if took > 15*time.Second { // the goal is 300 ms; this machine may be busy with ten other tests
		t.Errorf("ready after %v", took)
	}
	p.stop()
}
