package stampede

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"
)

// script is a server that answers each request on a connection with the next text, in pieces of at most
// so many bytes, and then closes it.
func script(t *testing.T, piece int, answers ...string) *address {
	t.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	t.Cleanup(func() { _ = l.Close(); <-ended })
	go func() {
		defer close(ended)
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			serve(nc, piece, answers)
		}
	}()
	return &address{dial: l.Addr().String(), host: "x"}
}

func serve(nc net.Conn, piece int, answers []string) {
	defer func() { _ = nc.Close() }()
	buf := make([]byte, 4096)
	for _, text := range answers {
		if _, err := nc.Read(buf); err != nil {
			return
		}
		for part := range slices.Chunk([]byte(text), piece) {
			if _, err := nc.Write(part); err != nil {
				return
			}
		}
	}
}

func TestAnswersAreReadHoweverTheyCome(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 3*readSize)
	const head = "HTTP/1.1 200 OK\r\n"
	for _, c := range []struct{ name, text, body string }{
		{"plain", head + "Content-Length: 5\r\n\r\nhello", "hello"},
		{"any case", head + "content-LENGTH:5  \r\nX-Other: a: b\r\n\r\nhello", "hello"},
		{"no body", "HTTP/1.1 204 No Content\r\n\r\n", ""},
		{"no reason", "HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nhi", "hi"},
		{"chunks", head + "Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\n\r\n", "hello"},
		{"large", fmt.Sprintf("%sContent-Length: %d\r\n\r\n%s", head, len(long), long), long},
		{"large chunks", fmt.Sprintf("%sTransfer-Encoding: chunked\r\n\r\n%X\r\n%s\r\n0\r\n\r\n", head, len(long), long), long},
		{"interim", "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + head + "Content-Length: 1\r\n\r\n!", "!"},
	} {
		for _, piece := range []int{1, 7, 1 << 20} {
			if piece == 1 && len(c.text) > 1000 {
				continue
			}
			k := conn{to: script(t, piece, c.text, c.text), timeout: 5 * time.Second}
			for range 2 { // the second on the same connection
				r, err := k.send(t.Context(), []byte("GET / HTTP/1.1\r\n\r\n"), time.Now())
				if err != nil || r.status/100 != 2 || string(r.body) != c.body {
					t.Errorf("%s in pieces of %d: %d %.40q %v", c.name, piece, r.status, r.body, err)
				}
			}
			k.close()
		}
	}
}

func TestBadAnswersAreErrorsAndTheNextRequestConnectsAnew(t *testing.T) {
	t.Parallel()
	const head = "HTTP/1.1 200 OK\r\n"
	for _, c := range []struct{ name, text string }{
		{"nothing", ""},
		{"not HTTP", "SSH-2.0-OpenSSH_9.6\r\n\r\n"},
		{"half a head", "HTTP/1.1 200 OK\r\nContent-"},
		{"half a body", head + "Content-Length: 9\r\n\r\nhalf"},
		{"too much", head + "Content-Length: 1\r\n\r\nhello"},
		{"a length below zero", head + "Content-Length: -1\r\n\r\n"},
		{"a huge length", head + "Content-Length: 99999999999999999999\r\n\r\n"},
		{"a large length", head + "Content-Length: 999999999\r\n\r\n"},
		{"no status", "HTTP/1.1 abc OK\r\n\r\n"},
		{"a line without a colon", head + "Content-Length\r\n\r\n"},
		{"gzip", head + "Transfer-Encoding: gzip\r\n\r\n"},
		{"a bad chunk", head + "Transfer-Encoding: chunked\r\n\r\nxyz\r\n"},
		{"an endless chunk", head + "Transfer-Encoding: chunked\r\n\r\nfffffff\r\n"},
		{"a chunk without its end", head + "Transfer-Encoding: chunked\r\n\r\n1\r\nabc0\r\n\r\n"},
		{"an endless head", head + strings.Repeat("X-A: b\r\n", headMax/4)},
	} {
		k := conn{to: script(t, 1<<20, c.text), timeout: time.Second}
		r, err := k.send(t.Context(), []byte("GET / HTTP/1.1\r\n\r\n"), time.Now())
		if err == nil {
			t.Errorf("%s: %+v", c.name, r)
		}
		if k.nc != nil {
			t.Errorf("%s: the connection is still there", c.name)
		}
	}
}

func TestHeadersThatMatter(t *testing.T) {
	t.Parallel()
	h, err := parseHead([]byte("HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nConnection: Close\r\nIdempotent-Replayed: true\r\n"))
	if err != nil || h.status != 503 || h.after != 7*time.Second || !h.closing || !h.replayed {
		t.Errorf("%+v %v", h, err)
	}
	h, err = parseHead([]byte("HTTP/1.0 200 OK\r\nRetry-After: Wed, 21 Oct 2026 07:28:00 GMT\r\n"))
	if err != nil || !h.closing || h.after != 0 {
		t.Errorf("%+v %v", h, err)
	}
}

func TestTheContextEndsARequest(t *testing.T) {
	t.Parallel()
	to := script(t, 1, "") // reads the request, answers nothing, closes
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0") // accepts by its backlog, and never answers
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() //nolint:errcheck // the end of the test
	to.dial = l.Addr().String()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	k := conn{to: to, timeout: time.Minute}
	began := time.Now()
	if _, err := k.send(ctx, []byte("GET / HTTP/1.1\r\n\r\n"), time.Now()); err == nil || time.Since(began) > 5*time.Second {
		t.Errorf("%v after %v", err, time.Since(began))
	}
}

func TestAddresses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		base, dial, host, path string
		secure                 bool
	}{
		{"http://127.0.0.1:8000", "127.0.0.1:8000", "127.0.0.1:8000", "", false},
		{"http://[::1]:8000/", "[::1]:8000", "[::1]:8000", "", false},
		{"http://scrip.example", "scrip.example:80", "scrip.example", "", false},
		{"https://scrip.example/api/", "scrip.example:443", "scrip.example", "/api", true},
	} {
		a, err := parseAddress(c.base)
		if err != nil || a.dial != c.dial || a.host != c.host || a.path != c.path || (a.tls != nil) != c.secure {
			t.Errorf("%s: %+v %v", c.base, a, err)
		}
	}
}

func TestTemplatesNameEveryCustomer(t *testing.T) {
	t.Parallel()
	f := &flood{cfg: Config{Code: `a"b`}, name: newRun()}
	to := &address{host: "h", path: "/p"}
	keyed, keyless, wallet := f.redeemTemplate(to, true), f.redeemTemplate(to, false), f.walletTemplate(to)
	for _, n := range []int{0, 1, 42, CustomersMax - 1} {
		name := customerName(f.name, n)
		body := `{"code":"a\"b","customer":"` + name + `"}`
		want := "POST /p/v1/redemptions HTTP/1.1\r\nHost: h\r\nUser-Agent: scrip-stampede\r\nContent-Type: application/json\r\n"
		length := fmt.Sprintf("Content-Length: %d\r\n\r\n", len(body))
		if got := string(keyed.of(n)); got != want+"Idempotency-Key: "+name+"\r\n"+length+body {
			t.Errorf("keyed: %q", got)
		}
		if got := string(keyless.of(n)); got != want+length+body {
			t.Errorf("keyless: %q", got)
		}
		if got := string(wallet.of(n)); !strings.HasPrefix(got, "GET /p/v1/wallets/"+name+" HTTP/1.1\r\n") {
			t.Errorf("wallet: %q", got)
		}
	}
}

func TestMembersOfJSON(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, want string }{
		{`{}`, ""},
		{` { "a" : 1 , "b":"x,}\"y" ,"c":{"d":[1,{"a":"}"}]},"e":null}`, `a=1;b="x,}\"y";c={"d":[1,{"a":"}"}]};e=null;`},
		{`[1]`, ""},
		{``, ""},
		{`{"a"`, ""},
		{`{"a":`, ""},
		{`{"a":1`, "a=1;"},
		{`{"a":"`, `a=";`},
		{`{"a":{"b`, `a={"b;`},
		{`{a:1}`, ""},
		{`{"`, ""},
		{`{"a":"\`, `a="\;`},
	} {
		var b strings.Builder
		for name, value := range members([]byte(c.text)) {
			fmt.Fprintf(&b, "%s=%s;", name, value)
		}
		if b.String() != c.want {
			t.Errorf("%s: %q, want %q", c.text, b.String(), c.want)
		}
	}
	if n, ok := integer([]byte("-123")); !ok || n != -123 {
		t.Errorf("-123: %d %v", n, ok)
	}
	for _, bad := range []string{"", "-", "1.5", "1e3", "9999999999999999999", `"1"`} {
		if _, ok := integer([]byte(bad)); ok {
			t.Errorf("%q is taken for a whole number", bad)
		}
	}
}

func TestReadingAReceiptDoesNotAllocate(t *testing.T) {
	body := []byte(`{"id":"rdm_01h455vb4pex5vsknk084sn02q","object":"redemption","rank":417,"effect":{"kind":"credit"}}`)
	n := notice{}
	if a := testing.AllocsPerRun(100, func() { n = read(body) }); a != 0 {
		t.Errorf("%v allocations", a)
	}
	if n.receipt.IsZero() || n.rank != 417 {
		t.Errorf("%+v", n)
	}
}
