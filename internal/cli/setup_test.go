package cli_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"scrip/internal/access"
	"scrip/internal/campaign"
	"scrip/internal/cli"
	"scrip/internal/gate/memgate"
	"scrip/internal/httpapi"
	"scrip/internal/keyring"
	"scrip/internal/metrics"
	"scrip/internal/money"
	"scrip/internal/redemption"
	"scrip/internal/seal"
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
	return serverOf(t, "IRR")
}

// serverOf is a server of another currency.
func serverOf(t *testing.T, currency money.Currency) string {
	t.Helper()
	return face(t, memstore.New(memstore.Options{}), nil, currency)
}

// keyedServer is a server that asks for keys, with one that opens everything.
func keyedServer(t *testing.T) (url, secret string) {
	t.Helper()
	s := memstore.New(memstore.Options{})
	made, err := keyring.New(keyring.Config{}, s).Create(t.Context(),
		keyring.NewKey{Name: "all", Kind: access.Secret, Scopes: access.All}, access.All, access.By{Name: access.NameCLI})
	if err != nil {
		t.Fatal(err)
	}
	ring, err := keyring.NewRing(t.Context(), keyring.RingConfig{}, s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := ring.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return face(t, s, ring, "IRR"), made.Secret
}

func face(t *testing.T, s *memstore.Store, guard httpapi.Access, currency money.Currency) string {
	t.Helper()
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
	c, err := campaign.New(campaign.Config{MaxBatch: 64, MaxQueue: 1024}, s, g)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(httpapi.New(httpapi.Config{Currency: currency, Log: quiet, Access: guard},
		httpapi.Services{Redemptions: r, Wallets: w, Campaigns: c, Keys: keyring.New(keyring.Config{}, s), Seals: seal.New(seal.Config{}, s)}))
	t.Cleanup(func() {
		srv.Close()
		for _, err := range []error{r.Close(context.Background()), w.Close(context.Background()), c.Close(context.Background()), g.Close()} {
			if err != nil {
				t.Error(err)
			}
		}
	})
	return srv.URL
}

// serve runs scrip serve on a free port, until stop is called or the test ends. It returns where it listens and what it
// said of itself until a line that ends as given.
func serve(t *testing.T, until string, args ...string) (url, said string, stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	out, in := io.Pipe()
	var errs bytes.Buffer
	ended := make(chan int, 1)
	go func() {
		ended <- cli.Run(ctx, cli.Process{
			Args: append([]string{"serve", "--listen", "127.0.0.1:0"}, args...), Stdin: strings.NewReader(""), Stdout: in, Stderr: &errs,
		})
		_ = in.Close()
	}()
	stop = sync.OnceFunc(func() {
		cancel()
		if code := <-ended; code != 0 {
			t.Errorf("serve: exit %d, %s", code, errs.String())
		}
	})
	t.Cleanup(stop)
	var b strings.Builder
	for lines := bufio.NewScanner(out); !strings.HasSuffix(b.String(), until+"\n") && lines.Scan(); {
		b.WriteString(lines.Text() + "\n")
	}
	go func() { // the rest of what it says
		_, _ = io.Copy(io.Discard, out)
	}()
	said = b.String()
	url, _, _ = strings.Cut(strings.TrimPrefix(said, "Scrip listens on "), " ")
	return url, said, stop
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
