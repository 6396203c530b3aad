package app

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"scrip/internal/config"
)

// certificatePoll is how often the files of the certificate are looked at. They are small, and reading them whole
// finds every way to change them: in place, by a rename, or through the links of a mounted secret.
const certificatePoll = 2 * time.Second

// certificate is what the server proves its name with, read again when its files change. A pair that is no
// good is told once in the log, and the last good one stays.
type certificate struct {
	certPath, keyPath string
	log               *slog.Logger
	current           atomic.Pointer[tls.Certificate]

	// Of run alone, once it runs.
	loaded  [sha256.Size]byte // of the files of the current pair
	suspect [sha256.Size]byte // of the files that were no good when they were looked at last
	told    bool              // that they are no good

	stop chan struct{}
	end  sync.Once
}

// newCertificate returns nil where the server has none.
func newCertificate(cfg config.Config, log *slog.Logger) *certificate {
	if cfg.TLSCert == "" {
		return nil
	}
	return &certificate{certPath: cfg.TLSCert, keyPath: cfg.TLSKey, log: log, stop: make(chan struct{})}
}

// open reads the first pair, which must be good.
func (c *certificate) open(ctx context.Context) error {
	sum, pair, err := c.read()
	if err != nil {
		return fmt.Errorf("--tls-cert (SCRIP_TLS_CERT) and --tls-key (SCRIP_TLS_KEY): %w", err)
	}
	c.use(ctx, sum, pair)
	return nil
}

// ends is when the certificate that is in use ends, the zero time before the first is read.
func (c *certificate) ends() time.Time {
	pair := c.current.Load()
	if pair == nil {
		return time.Time{}
	}
	return pair.Leaf.NotAfter
}

// run looks at the files until close: every few seconds, and at once on SIGHUP.
func (c *certificate) run(ctx context.Context) error {
	hangUp := make(chan os.Signal, 1)
	signal.Notify(hangUp, syscall.SIGHUP)
	defer signal.Stop(hangUp)
	tick := time.NewTicker(certificatePoll)
	defer tick.Stop()
	for {
		select {
		case <-c.stop:
			return nil
		case <-hangUp:
			c.look(ctx, true)
		case <-tick.C:
			c.look(ctx, false)
		}
	}
}

// close ends run.
func (c *certificate) close(context.Context) error {
	c.end.Do(func() { close(c.stop) })
	return nil
}

// look reads the files and takes a new pair into use. Two files do not change at one moment: what is no good is
// told of when it is still the same at the next look, or when somebody asked for it.
func (c *certificate) look(ctx context.Context, asked bool) {
	sum, pair, err := c.read()
	switch {
	case err == nil && sum == c.loaded:
		c.told = false
		if asked {
			c.log.InfoContext(ctx, "the certificate has not changed", "tls_cert", c.certPath)
		}
	case err == nil:
		c.told = false
		c.use(ctx, sum, pair)
	default:
		if asked || sum == c.suspect && !c.told {
			c.log.ErrorContext(ctx, "the new certificate is no good; the old one stays in use", "tls_cert", c.certPath, "tls_key", c.keyPath, "err", err)
			c.told = true
		} else if sum != c.suspect {
			c.told = false
		}
	}
	c.suspect = sum
}

func (c *certificate) use(ctx context.Context, sum [sha256.Size]byte, pair *tls.Certificate) {
	c.loaded = sum
	c.current.Store(pair)
	leaf := pair.Leaf
	c.log.InfoContext(ctx, "certificate", "tls_cert", c.certPath, "names", leaf.DNSNames, "addresses", leaf.IPAddresses, "not_after", leaf.NotAfter)
}

// read returns the pair that is in the files, and the sum of what was read even where it is no good. A file that
// can't be read counts as empty.
func (c *certificate) read() (sum [sha256.Size]byte, pair *tls.Certificate, err error) {
	cert, certErr := os.ReadFile(c.certPath)
	key, keyErr := os.ReadFile(c.keyPath)
	sum = sha256.Sum256(bytes.Join([][]byte{cert, key}, []byte{0}))
	if err := errors.Join(certErr, keyErr); err != nil {
		return sum, nil, err
	}
	loaded, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return sum, nil, fmt.Errorf("%s and %s are no pair of PEM files: %w", c.certPath, c.keyPath, err)
	}
	return sum, &loaded, nil
}

// config is how connections are secured: by the pair of the moment, with TLS 1.2 at least and the choices of
// crypto/tls for the rest.
func (c *certificate) config() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			return c.current.Load(), nil
		},
	}
}
