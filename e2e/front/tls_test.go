package front_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"scrip/client"
)

// pair is a certificate that vouches for itself, in two files.
type pair struct{ cert, key string }

// endOf is when the certificate with a number ends.
func endOf(number int64) time.Time {
	return time.Date(2100, time.January, int(number), 0, 0, 0, 0, time.UTC)
}

// renew writes a new certificate of 127.0.0.1, with a number by which it is told.
func (p *pair) renew(t *testing.T, number int64) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(number), Subject: pkix.Name{CommonName: "scrip"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: endOf(number),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	replace(t, p.cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}))
	replace(t, p.key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}))
}

// replace puts a file in another's place, as certificate tools do.
func replace(t *testing.T, path string, text []byte) {
	t.Helper()
	if err := os.WriteFile(path+".new", text, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

// roots trusts the pair of the moment.
func (p *pair) roots(t *testing.T) *x509.CertPool {
	t.Helper()
	text, err := os.ReadFile(p.cert)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		t.Fatal("no certificate")
	}
	return pool
}

// shown is the number of the certificate that a server shows.
func shown(t *testing.T, address string) int64 {
	t.Helper()
	d := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}} //nolint:gosec // it is looked at, not trusted
	conn, err := d.DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close() //nolint:errcheck // only looked at
	secure, ok := conn.(*tls.Conn)
	if !ok {
		t.Fatalf("%T", conn)
	}
	return secure.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
}

func serveTLS(t *testing.T, args ...string) (*server, *pair) {
	t.Helper()
	dir := t.TempDir()
	p := &pair{filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")}
	p.renew(t, 1)
	return serve(t, append([]string{"--tls-cert", p.cert, "--tls-key", p.key}, args...)...), p
}

func TestHTTPS(t *testing.T) {
	t.Parallel()
	s, p := serveTLS(t)
	eventually(t, "the welcome is whole", func() bool { return strings.Contains(s.out.String(), "/codes/report") })
	if !strings.HasPrefix(s.url, "https://127.0.0.1:") || !strings.Contains(s.out.String(), "' "+s.url+"/codes/use") {
		t.Errorf("the welcome is:\n%s", &s.out)
	}
	for version, protocols := range map[string][]string{"HTTP/2.0": {"h2", "http/1.1"}, "HTTP/1.1": {"http/1.1"}} {
		transport := &http.Transport{
			ForceAttemptHTTP2: version == "HTTP/2.0", TLSClientConfig: &tls.Config{RootCAs: p.roots(t), NextProtos: protocols},
		}
		t.Cleanup(transport.CloseIdleConnections)
		c := s.sdk(client.WithHTTPClient(&http.Client{Transport: transport, Timeout: waitMax}))
		code := "H" + strings.Trim(version, "HTP/.")
		s.code(c, code)
		said, err := c.Use(t.Context(), code, "09120000001")
		if err != nil || said != client.Sentence {
			t.Errorf("%s: %q %v", version, said, err)
		}
		if _, err := c.Use(t.Context(), code, "09120000001"); client.CodeOf(err) != client.CodeAlreadyRedeemed {
			t.Errorf("%s: %v", version, err)
		}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"/", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		res, err := transport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		if err := res.Body.Close(); err != nil || res.Proto != version || res.Header.Get("Strict-Transport-Security") == "" {
			t.Errorf("%s: %s %v %v", version, res.Proto, res.Header, err)
		}
	}
	old := tls.Dialer{Config: &tls.Config{RootCAs: p.roots(t), MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}} //nolint:gosec // that it is refused
	if conn, err := old.DialContext(t.Context(), "tcp", s.address()); err == nil {
		t.Errorf("TLS 1.1 is taken: %v", conn.Close())
	}
	if status, _, err := get(t.Context(), http.DefaultClient, "http://"+s.address()+"/healthz"); err != nil || status != http.StatusBadRequest {
		t.Errorf("without TLS: %d %v", status, err)
	}
}

// The commands trust what the system trusts, and what SSL_CERT_FILE adds.
func TestCommandsOverHTTPS(t *testing.T) {
	t.Parallel()
	s, p := serveTLS(t)
	for _, c := range []struct {
		trusted bool
		env     []string
	}{{false, nil}, {true, []string{"SSL_CERT_FILE=" + p.cert}}} {
		ping := exec.CommandContext(t.Context(), program, "ping", "--url", s.url, "--timeout", "60s") //nolint:gosec // the program under test
		ping.Env = append([]string{"PATH=" + os.Getenv("PATH")}, c.env...)
		out, err := ping.CombinedOutput()
		if (err == nil) != c.trusted || !c.trusted && !strings.Contains(string(out), "certificate") {
			t.Errorf("with %v: %v\n%s", c.env, err, out)
		}
	}
}

// A new certificate is shown without a restart; one that is no good leaves the old one in use, and the log says so.
func TestCertificateIsReadAgain(t *testing.T) {
	t.Parallel()
	s, p := serveTLS(t)
	if n := shown(t, s.address()); n != 1 {
		t.Fatalf("certificate %d", n)
	}
	p.renew(t, 2)
	eventually(t, "the second certificate is shown", func() bool { return shown(t, s.address()) == 2 })

	p.renew(t, 3)
	s.ask(t)
	eventually(t, "the third certificate is shown", func() bool { return shown(t, s.address()) == 3 })

	replace(t, p.key, []byte("no key"))
	eventually(t, "the log tells of a bad pair", func() bool { return strings.Contains(s.log.String(), "the new certificate is no good") })
	if n := shown(t, s.address()); n != 3 {
		t.Errorf("beside a bad pair, certificate %d is shown", n)
	}
	if err := os.Remove(p.cert); err != nil {
		t.Fatal(err)
	}
	s.ask(t)
	eventually(t, "the log tells of a missing file", func() bool { return strings.Contains(s.log.String(), "no such file") })
	if n := shown(t, s.address()); n != 3 {
		t.Errorf("without its file, certificate %d is shown", n)
	}
	if ends := s.certificateEnd(t); ends != endOf(3).Unix() {
		t.Errorf("without its file, the certificate in use is said to end at %v", time.Unix(ends, 0))
	}
	p.renew(t, 4)
	eventually(t, "the fourth certificate is shown", func() bool { return shown(t, s.address()) == 4 })
	if n := strings.Count(s.log.String(), "level=ERROR"); n < 2 || n > 10 {
		t.Errorf("%d errors in the log:\n%s", n, &s.log)
	}
}

// certificateEnd is when the certificate in use ends, by the metrics.
func (s *server) certificateEnd(t *testing.T) int64 {
	t.Helper()
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}} //nolint:gosec // it is looked at, not trusted
	t.Cleanup(transport.CloseIdleConnections)
	text, err := s.sdk(client.WithHTTPClient(&http.Client{Transport: transport, Timeout: waitMax})).Metrics(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_, value, _ := strings.Cut(text, "\nscrip_tls_certificate_end_timestamp_seconds ")
	value, _, _ = strings.Cut(value, "\n")
	end, err := strconv.ParseFloat(value, 64)
	if err != nil {
		t.Fatal(err)
	}
	return int64(end)
}

// ask has the server read its certificate again.
func (s *server) ask(t *testing.T) {
	t.Helper()
	if err := s.cmd.Process.Signal(hangUp); err != nil {
		t.Fatal(err)
	}
}

// A pair that is no good at the start is no start.
func TestBadCertificateIsNoStart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := &pair{filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")}
	p.renew(t, 1)
	replace(t, p.key, []byte("no key"))
	for want, args := range map[string][]string{
		"no pair of PEM files": {"--tls-cert", p.cert, "--tls-key", p.key},
		"no such file":         {"--tls-cert", p.cert, "--tls-key", p.key + "x"},
		"--tls-cert is set":    {"--tls-cert", p.cert},
	} {
		cmd := exec.CommandContext(t.Context(), program, append([]string{"serve", "--data", t.TempDir(), "--listen", "127.0.0.1:0"}, args...)...) //nolint:gosec // the program under test
		cmd.Env = []string{"PATH=" + os.Getenv("PATH")}
		if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), want) {
			t.Errorf("%v: %v\n%s\nwant %q", args, err, out, want)
		}
	}
}
