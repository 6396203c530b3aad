package app_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"scrip/client"
	"scrip/internal/app"
	"scrip/internal/config"
	"scrip/internal/testenv"
)

func TestMain(m *testing.M) { testenv.MainLeak(m) }

// running is a server in this process.
type running struct {
	app.Started
	client *client.Client
	log    *buffer
	stop   func() error // ends it and returns what Run returned
}

// buffer is a log that may be read while it is written.
type buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func configOf(dir string) config.Config {
	cfg := config.Default()
	cfg.Listen, cfg.Data = "127.0.0.1:0", dir
	return cfg
}

// serve starts a server and waits until it is ready.
func serve(t *testing.T, o app.Options) *running {
	t.Helper()
	r := &running{log: &buffer{}}
	ready, ended := make(chan app.Started, 1), make(chan error, 1)
	o.LogTo, o.Version, o.Ready = r.log, "test", func(s app.Started) { ready <- s }
	ctx, cancel := context.WithCancel(t.Context())
	go func() { ended <- app.Run(ctx, o) }()
	r.stop = sync.OnceValue(func() error {
		cancel()
		return <-ended
	})
	t.Cleanup(func() { _ = r.stop() })
	select {
	case r.Started = <-ready:
	case err := <-ended:
		ended <- err
		t.Fatalf("it did not start: %v", err)
	}
	var err error
	if r.client, err = client.New(r.URL, client.WithRetries(0)); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestServesStopsAndServesAgain(t *testing.T) {
	t.Parallel()
	o := app.Options{Config: configOf(filepath.Join(t.TempDir(), "new", "data")), Demo: true}
	for round := range 3 { // the demo code is made once
		r := serve(t, o)
		mobile := fmt.Sprintf("0912000000%d", round)
		said, err := r.client.Use(t.Context(), app.DemoCode, mobile)
		if err != nil || said != client.Sentence {
			t.Fatalf("%q %v", said, err)
		}
		report, err := r.client.Report(t.Context(), app.DemoCode)
		if err != nil || report.ConsumerCount != int64(1999-round) || report.Credit != "1000000" {
			t.Fatalf("%+v %v", report, err)
		}
		if err := r.stop(); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(r.log.String(), "level=ERROR") {
			t.Errorf("log:\n%s", r.log)
		}
	}
	read, err := app.Verify(t.Context(), o.Config, func(f app.Finding) { t.Errorf("%+v", f) })
	if err != nil || read.Redemptions != 3 || read.Vouchers != 1 {
		t.Errorf("%+v %v", read, err)
	}
}

func TestMetricsAreServed(t *testing.T) {
	t.Parallel()
	r := serve(t, app.Options{Config: configOf(t.TempDir()), Demo: true})
	if _, err := r.client.Use(t.Context(), app.DemoCode, "09120000000"); err != nil {
		t.Fatal(err)
	}
	if _, err := r.client.Use(t.Context(), "nothing", "09120000000"); client.CodeOf(err) != client.CodeNotRedeemable {
		t.Fatal(err)
	}
	text, err := r.client.Metrics(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`scrip_redemptions_total{verdict="redeemed"} 1`,
		`scrip_refusals_total{from="store",reason="voucher_not_found"} 1`,
		`scrip_http_requests_total{code="200",route="POST /codes/use"} 1`,
		`scrip_batch_size_count 2`,
		`scrip_queue_depth 0`,
		`scrip_ready 1`,
		`scrip_build_info{goversion="`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
}

func TestAStopWaitsForOpenRequestsAndThenCutsThemOff(t *testing.T) {
	t.Parallel()
	cfg := configOf(t.TempDir())
	cfg.ShutdownGrace = 200 * time.Millisecond
	r := serve(t, app.Options{Config: cfg})
	var d net.Dialer
	nc, err := d.DialContext(t.Context(), "tcp", strings.TrimPrefix(r.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close() //nolint:errcheck // the end of the test
	if _, err := nc.Write([]byte("POST /codes/use HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\nExpect: 100-continue\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	if said, err := bufio.NewReader(nc).ReadString('\n'); err != nil || !strings.Contains(said, "100 Continue") { // it reads the body
		t.Fatalf("%q %v", said, err)
	}
	began := time.Now()
	err = r.stop()
	if took := time.Since(began); took < cfg.ShutdownGrace || took > 5*time.Second {
		t.Errorf("it stopped after %v", took)
	}
	if err == nil || !strings.Contains(err.Error(), "still open after 200ms") {
		t.Errorf("%v", err)
	}
}

func TestWhatStopsAStartIsSaidInOneLine(t *testing.T) {
	t.Parallel()
	first := serve(t, app.Options{Config: configOf(t.TempDir())})
	file := filepath.Join(t.TempDir(), "file")
	foreign, truncated := t.TempDir(), t.TempDir()
	for path, text := range map[string]string{
		file:                                  "a file",
		filepath.Join(foreign, "scrip.db"):    strings.Repeat("this is no database at all; ", 100),
		filepath.Join(truncated, "scrip.db"):  "SQLite format 3\x00 and then nothing more",
		filepath.Join(truncated, "unrelated"): "x",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	taken := configOf(t.TempDir())
	taken.Listen = strings.TrimPrefix(first.URL, "http://")
	for _, c := range []struct {
		name string
		cfg  config.Config
		says string
	}{
		{"the port is taken", taken, "choose another --listen"},
		{"a file in place of the directory", configOf(file), "choose another --data"},
		{"a file above the directory", configOf(filepath.Join(file, "data")), "choose another --data"},
		{"another program's file", configOf(foreign), "not a Scrip database"},
		{"half a database", configOf(truncated), "database"},
		{"another process has it", configOf(strings.TrimSuffix(strings.TrimPrefix(first.Store, "SQLite, "), "/scrip.db")), "another scrip process"},
	} {
		err := app.Run(t.Context(), app.Options{Config: c.cfg, LogTo: &buffer{}, Ready: func(app.Started) { t.Errorf("%s: it started", c.name) }})
		var start *app.StartError
		if !errors.As(err, &start) || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestToldToStopBeforeItIsUp(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := app.Run(ctx, app.Options{Config: configOf(t.TempDir()), LogTo: &buffer{}}); err != nil {
		t.Error(err)
	}
}

func TestVerifyNeedsADatabase(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "none")
	_, err := app.Verify(t.Context(), configOf(dir), func(app.Finding) {})
	if err == nil || !strings.Contains(err.Error(), "there is no database") {
		t.Errorf("%v", err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("verify made %s", dir)
	}
}

func TestMigrations(t *testing.T) {
	t.Parallel()
	cfg := configOf(t.TempDir())
	if before, err := app.MigrateStatus(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), "there is no database") {
		t.Fatalf("%+v %v", before, err)
	}
	if err := app.MigrateUp(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	after, err := app.MigrateStatus(t.Context(), cfg)
	if err != nil || len(after) == 0 {
		t.Fatalf("%+v %v", after, err)
	}
	for _, step := range after {
		if !step.Applied || step.AppliedAt.IsZero() {
			t.Errorf("%+v", step)
		}
	}
}
