package app_test

import (
	"strings"
	"testing"
	"time"

	"scrip/internal/app"
)

// A server seals by itself, tells of it in its metrics, and at its end has sealed everything and told the log.
func TestSealsByItself(t *testing.T) {
	t.Parallel()
	o := app.Options{Config: configOf(t.TempDir()), Demo: true}
	o.Config.SealInterval = 100 * time.Millisecond
	r := serve(t, o)
	if _, err := r.client.Use(t.Context(), app.DemoCode, "09120000000"); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(time.Minute)
	for {
		text, err := r.client.Metrics(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(text, "\nscrip_seal_transfers 1\n") {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("nothing is sealed after a minute:\n%s", text)
		}
		time.Sleep(50 * time.Millisecond)
	}
	if _, err := r.client.Use(t.Context(), app.DemoCode, "09120000001"); err != nil {
		t.Fatal(err)
	}
	first, err := r.client.Seal(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	if log := r.log.String(); !strings.Contains(log, "msg=sealed") || !strings.Contains(log, "transfers=2") || !strings.Contains(log, "hash=") {
		t.Errorf("the log tells no seal:\n%s", log)
	}
	published, err := app.ParsePublishedSeal(first.PublishedSeal())
	if err != nil {
		t.Fatal(err)
	}
	read, err := app.Verify(t.Context(), o.Config, func(f app.Finding) { t.Errorf("%+v", f) }, published)
	if err != nil || read.Transfers != 2 || read.Seals < 2 {
		t.Errorf("%+v, %v", read, err)
	}
}
