package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"

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
	c, err := campaign.New(campaign.Config{MaxBatch: 64, MaxQueue: 1024}, s, g)
	if err != nil {
		t.Fatal(err)
	}
	face := httptest.NewServer(httpapi.New(httpapi.Config{Currency: "IRR", Log: quiet},
		httpapi.Services{Redemptions: r, Wallets: w, Campaigns: c}))
	t.Cleanup(func() {
		face.Close()
		for _, err := range []error{r.Close(context.Background()), w.Close(context.Background()), c.Close(context.Background()), g.Close()} {
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
