package e2e_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"scrip/e2e/site"
	"scrip/internal/testenv"
)

// hidden is the password in every URL here; it must be in nothing that the program says.
const hidden = "s3cr3tPassw0rd"

// noneOf holds a text to none of the secrets.
func noneOf(t *testing.T, what, text string, secrets ...string) {
	t.Helper()
	for _, secret := range append(secrets, hidden) {
		if at := strings.Index(text, secret); at >= 0 {
			t.Errorf("%s shows %q: …%s…", what, secret, text[max(0, at-300):min(len(text), at+100)])
		}
	}
}

// refusing is a server that answers whoever connects with one text, and returns its address.
func refusing(t *testing.T, answer string) string {
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
			c, err := l.Accept()
			if err != nil {
				return
			}
			_ = c.SetDeadline(time.Now().Add(5 * time.Second))
			_, _ = c.Read(make([]byte, 4096)) // what it says does not matter
			_, _ = io.WriteString(c, answer)
			_ = c.Close()
		}
	}()
	return l.Addr().String()
}

// A database that can't be had stops the start, with a reason, and without its password, whatever is wrong with it.
func TestNoPasswordIsShownWhenTheDatabaseIsAway(t *testing.T) {
	t.Parallel()
	fields := "SFATAL\x00VFATAL\x00C28P01\x00Mpassword authentication failed for user \"scrip\"\x00\x00"
	refuses := refusing(t, "E\x00\x00\x00"+string(rune(len(fields)+4))+fields) //nolint:gosec // it is below 128
	garbage := refusing(t, "HTTP/1.1 400 Bad Request\r\n\r\n")
	closed := site.FreeAddress(t)
	for name, url := range map[string]string{
		"closed port":        "postgres://scrip:" + hidden + "@" + closed + "/scrip",
		"no such host":       "postgres://scrip:" + hidden + "@nowhere.invalid/scrip",
		"it refuses":         "postgres://scrip:" + hidden + "@" + refuses + "/scrip?sslmode=disable",
		"it asks for TLS":    "postgres://scrip:" + hidden + "@" + refuses + "/scrip?sslmode=require",
		"it is another":      "postgres://scrip:" + hidden + "@" + garbage + "/scrip?sslmode=disable",
		"unknown option":     "postgres://scrip:" + hidden + "@" + closed + "/scrip?sslmode=nonsense",
		"no such CA":         "postgres://scrip:" + hidden + "@" + closed + "/scrip?sslmode=verify-full&sslrootcert=/nowhere",
		"a TLS password":     "postgres://scrip@" + closed + "/scrip?sslmode=verify-full&sslpassword=" + hidden,
		"bad escape":         "postgres://scrip:%zz" + hidden + "@" + closed + "/scrip",
		"bad port":           "postgres://scrip:" + hidden + "@127.0.0.1:port/scrip",
		"an @ too many":      "postgres://scrip:x@" + hidden + "@" + closed + "/scrip",
		"password in a list": "host=127.0.0.1 password=" + hidden,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, format := range []string{"text", "json"} {
				got := scrip(t, "serve", "--listen", "127.0.0.1:0", "--log-level", "debug", "--log-format", format, "--database-url", url)
				if got.code == 0 || got.stderr == "" {
					t.Errorf("it exits with %d and says %q", got.code, got.stderr)
				}
				noneOf(t, "the program", got.stdout+got.stderr)
			}
			got := scripIn(t, t.TempDir(), "", []string{"SCRIP_DATABASE_URL=" + url}, "migrate", "status")
			noneOf(t, "migrate", got.stdout+got.stderr)
		})
	}
}

// A server at debug level, without its Redis, asked in every way that fails: its log names none of what it was sent.
func TestNothingSecretIsInTheLog(t *testing.T) {
	t.Parallel()
	redis := testenv.NewRedis(t, testenv.RedisOptions{Conf: []string{"requirepass another"}})
	for name, url := range map[string]string{
		"away":    "redis://:" + hidden + "@" + site.FreeAddress(t),
		"refuses": "redis://scrip:" + hidden + "@" + redis.Addr(),
		"TLS":     "rediss://:" + hidden + "@" + redis.Addr(),
	} {
		for _, format := range []string{"text", "json"} {
			t.Run(name+" "+format, func(t *testing.T) {
				t.Parallel()
				p := serve(t, filepath.Join(t.TempDir(), "data"), "127.0.0.1:0",
					"--log-level", "debug", "--log-format", format, "--redis-url", url)
				p.code("Zq7Kode", 1)
				talk(t, p.url)
				for end := time.Now().Add(startMax); !strings.Contains(p.stderr.String(), "redis is away"); time.Sleep(10 * time.Millisecond) {
					if time.Now().After(end) {
						t.Fatalf("nothing is said of Redis:\n%s", p.stderr)
					}
				}
				p.stop()
				said := p.stdout.String() + p.stderr.String()
				noneOf(t, "the server", said, "q7Kode", "Q7K0DE", "7654321", "idem77", "secret77")
				if n := strings.Count(said, "/codes/use"); n < 3 {
					t.Errorf("%d lines about requests:\n%s", n, said)
				}
			})
		}
	}
}

// talk asks in good ways and bad.
func talk(t *testing.T, url string) {
	t.Helper()
	for _, ask := range []struct{ method, path, body string }{
		{"POST", "/codes/use", `{"code":"Zq7Kode","mobile":"09127654321"}`},
		{"POST", "/codes/use", `{"code":"Zq7Kode","mobile":"09127654321"}`},
		{"POST", "/codes/use", `{"code":"Zq7Kode","mobile":"09127654322"}`},
		{"POST", "/codes/use", `{"code":Zq7Kode,"mobile":"09127654321"}`},
		{"POST", "/v1/redemptions", `{"code":"Zq7Kode","customer":"+98 912 765 4321","Zq7Kode":1}`},
		{"GET", "/v1/wallets/09127654321", ""},
		{"GET", "/v1/vouchers?code=Zq7Kode", ""},
		{"GET", "/Zq7Kode", ""},
		{"Zq7Kode", "/", ""},
	} {
		req, err := http.NewRequestWithContext(t.Context(), ask.method, url+ask.path, strings.NewReader(ask.body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Authorization", "Bearer sk_secret77secret77")
		req.Header.Set("Idempotency-Key", "idem77")
		req.Header.Set("X-Request-Id", "09127654321") // it is logged with every line
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
	}
	// What is no HTTP at all, and what breaks off in its middle.
	for _, text := range []string{"Zq7Kode 09127654321\r\n\r\n", "POST /codes/use HTTP/1.1\r\nHost: x\r\nContent-Length: 999\r\n\r\n{\"code\":\"Zq7Kode\""} {
		c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(c, text)
		_ = c.Close()
	}
}

// A server with TLS, talked to in the clear and by a client that does not trust it, logs neither its key nor what was said.
func TestNothingSecretIsInTheLogOfTLS(t *testing.T) {
	t.Parallel()
	certificate, key, text := selfSigned(t)
	p := serve(t, filepath.Join(t.TempDir(), "data"), "127.0.0.1:0", "--log-level", "debug", "--tls-cert", certificate, "--tls-key", key)
	address := strings.TrimPrefix(p.url, "https://")
	c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(c, "POST /codes/use HTTP/1.1\r\nAuthorization: Bearer sk_secret77secret77\r\n\r\n09127654321")
	_, _ = io.ReadAll(c)
	_ = c.Close()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.url+"/v1/wallets/09127654321", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	if res, err := http.DefaultClient.Do(req); err == nil {
		_ = res.Body.Close()
		t.Error("an unknown certificate is trusted")
	}
	for end := time.Now().Add(startMax); strings.Count(p.stderr.String(), "TLS handshake error") < 2; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("nothing is said of the handshakes:\n%s", p.stderr)
		}
	}
	p.stop()
	noneOf(t, "the server", p.stderr.String(), "7654321", "secret77", text)
	// A pair that is none is named by its paths.
	got := scrip(t, "serve", "--listen", "127.0.0.1:0", "--log-level", "debug", "--tls-cert", key, "--tls-key", certificate)
	if got.code == 0 {
		t.Error("it starts without a certificate")
	}
	noneOf(t, "the program", got.stdout+got.stderr, text)
}

// selfSigned writes a certificate for 127.0.0.1, and returns a part of its key's text too.
func selfSigned(t *testing.T) (certificate, key, text string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	of := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "scrip"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, of, of, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	certificate, key = filepath.Join(t.TempDir(), "cert.pem"), filepath.Join(t.TempDir(), "key.pem")
	pair := map[string][]byte{
		certificate: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		key:         pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw}),
	}
	for path, block := range pair {
		if err := os.WriteFile(path, block, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	lines := strings.Split(string(pair[key]), "\n")
	return certificate, key, lines[1]
}
