package app_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"scrip/client"
	"scrip/internal/app"
	"scrip/internal/testenv"
)

// metric is the value of a series, as /metrics shows it; "" where there is none.
func metric(t *testing.T, r *running, series string) string {
	t.Helper()
	text, err := r.client.Metrics(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(text) {
		if value, ok := strings.CutPrefix(line, series+" "); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// voucherOf is the demo code's.
func voucherOf(t *testing.T, r *running, code string) *client.Voucher {
	t.Helper()
	v, err := r.client.LookupVoucher(t.Context(), code)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestTwoServersShareOneTruth(t *testing.T) {
	t.Parallel()
	cfg := on(testenv.Database(t))
	cfg.RedisURL = testenv.NewRedis(t, testenv.RedisOptions{}).URL()
	a := serve(t, app.Options{Config: cfg, Demo: true})
	b := serve(t, app.Options{Config: cfg, Demo: true})
	for _, r := range []*running{a, b} {
		if want := "in process, shared through Redis at " + strings.TrimPrefix(cfg.RedisURL, "redis://"); r.Gate != want {
			t.Errorf("the gate is called %q, want %q", r.Gate, want)
		}
		eventually(t, "Redis is up", func() bool { return metric(t, r, "scrip_redis_up") == "1" })
		if status, err := r.client.Ready(t.Context()); err != nil || len(status.Degraded) != 0 {
			t.Errorf("%+v %v", status, err)
		}
	}
	for i, r := range []*running{a, b} {
		if _, err := r.client.Use(t.Context(), app.DemoCode, fmt.Sprintf("0912000000%d", i)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := a.client.DisableVoucher(t.Context(), voucherOf(t, a, app.DemoCode).ID); err != nil {
		t.Fatal(err)
	}
	for i, r := range []*running{b, a} {
		if _, err := r.client.Use(t.Context(), app.DemoCode, fmt.Sprintf("0912000001%d", i)); client.CodeOf(err) != client.CodeNotRedeemable {
			t.Errorf("a disabled code: %v", err)
		}
	}
	eventually(t, "b hears of it through Redis", func() bool {
		return metric(t, b, `scrip_redis_events_total{event="heard"}`) != "0"
	})
	if _, err := b.client.EnableVoucher(t.Context(), voucherOf(t, b, app.DemoCode).ID); err != nil {
		t.Fatal(err)
	}
	if _, err := b.client.Use(t.Context(), app.DemoCode, "09120000020"); err != nil {
		t.Errorf("enabled, and asked where it was: %v", err)
	}
	eventually(t, "enabled on the other too", func() bool {
		_, err := a.client.Use(t.Context(), app.DemoCode, "09120000021")
		return err == nil
	})
	for _, r := range []*running{a, b} {
		if err := r.stop(); err != nil {
			t.Error(err)
		}
		if strings.Contains(r.log.String(), "level=ERROR") || strings.Contains(r.log.String(), "level=WARN") {
			t.Errorf("log:\n%s", r.log)
		}
	}
	if read := sound(t, cfg); read.Redemptions != 4 {
		t.Errorf("%+v", read)
	}
}

// A server without its Redis serves all the same, and says so once.
func TestRedisIsAwayAtTheStart(t *testing.T) {
	t.Parallel()
	cfg := configOf(t.TempDir())
	cfg.RedisURL = "redis://:s3cr3t@127.0.0.1:1/0"
	r := serve(t, app.Options{Config: cfg, Demo: true})
	for n := range 20 {
		if _, err := r.client.Use(t.Context(), app.DemoCode, fmt.Sprintf("091200000%02d", n)); err != nil {
			t.Fatal(err)
		}
	}
	if status, err := r.client.Ready(t.Context()); err != nil || len(status.Degraded) != 1 || status.Degraded[0] != "redis" {
		t.Errorf("%+v %v", status, err)
	}
	eventually(t, "the log says that Redis is away", func() bool { return strings.Contains(r.log.String(), "level=WARN") })
	if got := metric(t, r, "scrip_redis_up"); got != "0" {
		t.Errorf("scrip_redis_up = %q", got)
	}
	if err := r.stop(); err != nil {
		t.Error(err)
	}
	if log := r.log.String(); strings.Count(log, "level=WARN")+strings.Count(log, "level=ERROR") != 1 || strings.Contains(log, "s3cr3t") {
		t.Errorf("log:\n%s", log)
	}
	if read := sound(t, cfg); read.Redemptions != 20 {
		t.Errorf("%+v", read)
	}
}

// What was made before a part could not be made is ended: the store's file is free for the next server.
func TestAStartThatFailsHalfwayEndsWhatItBegan(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	broken := configOf(dir)
	broken.RedisURL = "redis://cache:6379?password=s3cr3t" // made after the store
	for range 2 {
		err := app.Run(t.Context(), app.Options{Config: broken, LogTo: &buffer{}, Ready: func(app.Started) { t.Error("it started") }})
		if err == nil || !strings.Contains(err.Error(), "--redis-url (SCRIP_REDIS_URL)") || strings.Contains(err.Error(), "s3cr3t") {
			t.Fatal(err)
		}
		if _, err := os.Stat(filepath.Join(dir, "scrip.db")); err != nil {
			t.Fatal(err) // the store was open by then
		}
	}
	r := serve(t, app.Options{Config: configOf(dir), Demo: true})
	if _, err := r.client.Use(t.Context(), app.DemoCode, "09120000000"); err != nil {
		t.Error(err)
	}
}
