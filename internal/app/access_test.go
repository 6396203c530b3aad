package app_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"scrip/client"
	"scrip/internal/access"
	"scrip/internal/app"
	"scrip/internal/config"
	"scrip/internal/testenv"
)

// as is a server's client with a key.
func as(t *testing.T, r *running, secret string) *client.Client {
	t.Helper()
	c, err := client.New(r.URL, client.WithRetries(0), client.WithKey(secret))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// secretIn reads a file of a key, which its owner alone may read.
func secretIn(t *testing.T, path string) string {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("%s has the mode %v", path, info.Mode())
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	secret, newline := strings.CutSuffix(string(text), "\n")
	if _, _, err := access.Parse(secret); err != nil || !newline {
		t.Fatalf("%s holds no secret: %v", path, err)
	}
	return secret
}

// refusedToStart runs a server that must not start, and returns why.
func refusedToStart(t *testing.T, cfg config.Config) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	err := app.Run(ctx, app.Options{Config: cfg, LogTo: io.Discard, Ready: func(app.Started) {
		t.Error("it takes requests")
		cancel()
	}})
	if start, ok := errors.AsType[*app.StartError](err); ok {
		return start.Error()
	}
	t.Fatalf("it does not say why it did not start: %v", err)
	return ""
}

func TestNoKeyNoStart(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*config.Config){
		"all addresses": func(c *config.Config) { c.Listen = ":0" },
		"auth on":       func(c *config.Config) { c.Auth = config.AuthOn },
	} {
		cfg := configOf(t.TempDir())
		change(&cfg)
		why := refusedToStart(t, cfg)
		for _, part := range []string{"scrip key create", "--data " + cfg.Data, "--first-key-file", "--auth off"} {
			if !strings.Contains(why, part) {
				t.Errorf("%s: no %q in %s", name, part, why)
			}
		}
	}
}

// The first key is made once, its secret is in a file and in no log, and it opens everything.
func TestFirstKey(t *testing.T) {
	t.Parallel()
	cfg := configOf(t.TempDir())
	cfg.Auth, cfg.FirstKeyFile = config.AuthOn, filepath.Join(t.TempDir(), "first-key")
	var secret string
	for round := range 2 {
		r := serve(t, app.Options{Config: cfg, Demo: true})
		secret = secretIn(t, cfg.FirstKeyFile)
		if (r.Key == cfg.FirstKeyFile) != (round == 0) || !r.Keyed || strings.Contains(r.Open, "loopback") {
			t.Errorf("%+v", r.Started)
		}
		if _, err := r.client.Use(t.Context(), app.DemoCode, "09120000000"); client.CodeOf(err) != client.CodeUnauthorized {
			t.Errorf("without the key: %v", err)
		}
		keys, err := as(t, r, secret).Keys(t.Context(), client.Page{})
		if err != nil || len(keys.Data) != 1 || len(keys.Data[0].Scopes) != 5 {
			t.Errorf("%+v %v", keys, err)
		}
		events, err := as(t, r, secret).AuditEvents(t.Context(), client.AuditQuery{Action: "key.create"})
		if err != nil || len(events.Data) != 1 || events.Data[0].Actor != (client.Actor{Name: access.NameServer}) {
			t.Errorf("%+v %v", events, err)
		}
		if err := r.stop(); err != nil {
			t.Fatal(err)
		}
		if log := r.log.String(); strings.Contains(log, secret[3:20]) || strings.Contains(log, "made the first key") != (round == 0) {
			t.Errorf("log:\n%s", log)
		}
	}
	// With the file gone, the key that is there is still the first.
	if err := os.Remove(cfg.FirstKeyFile); err != nil {
		t.Fatal(err)
	}
	r := serve(t, app.Options{Config: cfg})
	if _, err := os.Stat(cfg.FirstKeyFile); !os.IsNotExist(err) {
		t.Errorf("a second first key: %v", err)
	}
	if _, err := as(t, r, secret).Keys(t.Context(), client.Page{}); err != nil {
		t.Error(err)
	}
}

// A file that is there is not overwritten, and no key is made whose secret would be lost.
func TestFirstKeyFileIsNotOverwritten(t *testing.T) {
	t.Parallel()
	cfg := configOf(t.TempDir())
	cfg.FirstKeyFile = filepath.Join(t.TempDir(), "first-key")
	if err := os.WriteFile(cfg.FirstKeyFile, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if why := refusedToStart(t, cfg); !strings.Contains(why, cfg.FirstKeyFile) || !strings.Contains(why, "move it away") {
		t.Error(why)
	}
	if text, err := os.ReadFile(cfg.FirstKeyFile); err != nil || string(text) != "precious" {
		t.Errorf("%q %v", text, err)
	}
	cfg.FirstKeyFile = filepath.Join(t.TempDir(), "no", "such", "folder")
	if why := refusedToStart(t, cfg); !strings.Contains(why, "--first-key-file") {
		t.Error(why)
	}
	cfg.FirstKeyFile = ""
	if r := serve(t, app.Options{Config: cfg}); r.Keyed || !strings.Contains(r.Open, "no key was ever made") {
		t.Errorf("%+v", r.Started)
	}
}

// Of servers that start at once on one database, each with a file of its own or all with the same one,
// one makes the key, and all take it.
func TestServersAgreeOnTheFirstKey(t *testing.T) {
	t.Parallel()
	for name, same := range map[string]bool{"a file each": false, "one file": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const servers = 3
			dir, database := t.TempDir(), testenv.Database(t)
			if err := app.MigrateUp(t.Context(), on(database)); err != nil {
				t.Fatal(err)
			}
			all := make([]*running, servers)
			var starting sync.WaitGroup
			for i := range all {
				cfg := on(database)
				cfg.Auth, cfg.FirstKeyFile = config.AuthOn, filepath.Join(dir, "key")
				if !same {
					cfg.FirstKeyFile += string(rune('0' + i))
				}
				starting.Go(func() { all[i] = serve(t, app.Options{Config: cfg}) })
			}
			starting.Wait()
			if t.Failed() {
				t.FailNow() // one did not start, and has said so
			}
			files, err := filepath.Glob(filepath.Join(dir, "key*"))
			if err != nil || len(files) != 1 {
				t.Fatalf("the secrets are in %q, %v", files, err)
			}
			secret := secretIn(t, files[0])
			for _, r := range all {
				eventually(t, "the key is taken", func() bool {
					keys, err := as(t, r, secret).Keys(t.Context(), client.Page{})
					return err == nil && len(keys.Data) == 1
				})
			}
		})
	}
}

// A key that is made, rotated out or revoked on one server is so on the other, and a server on loopback
// that was open closes itself when the first key is made elsewhere.
func TestServersAgreeOnKeys(t *testing.T) {
	t.Parallel()
	cfg := on(testenv.Database(t))
	a, b := serve(t, app.Options{Config: cfg, Demo: true}), serve(t, app.Options{Config: cfg})
	for _, r := range []*running{a, b} {
		if r.Keyed || !strings.Contains(r.Open, "no key was ever made") {
			t.Errorf("%+v", r.Started)
		}
		if _, err := r.client.Keys(t.Context(), client.Page{}); err != nil {
			t.Errorf("it is not open: %v", err)
		}
	}
	admin, err := a.client.CreateKey(t.Context(), client.NewKey{Name: "admin", Scopes: []string{client.ScopeAdmin}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.client.Keys(t.Context(), client.Page{}); client.CodeOf(err) != client.CodeUnauthorized {
		t.Errorf("where the first key was made, the next request needs it: %v", err)
	}
	refused := func(c *client.Client) func() bool {
		return func() bool {
			_, err := c.Campaigns(t.Context(), client.Page{})
			return client.CodeOf(err) == client.CodeUnauthorized
		}
	}
	taken := func(c *client.Client) func() bool {
		return func() bool {
			_, err := c.Campaigns(t.Context(), client.Page{})
			return err == nil
		}
	}
	soon(t, "the other server is closed", refused(b.client))
	soon(t, "the key is known there", taken(as(t, b, admin.Secret)))
	if log := b.log.String(); strings.Count(log, "there is a key") != 1 {
		t.Errorf("log:\n%s", log)
	}

	onA, onB := as(t, a, admin.Secret), as(t, b, admin.Secret)
	shop, err := onA.CreateKey(t.Context(), client.NewKey{Name: "shop", Scopes: []string{client.ScopeRead}})
	if err != nil {
		t.Fatal(err)
	}
	soon(t, "the shop's key is known there", taken(as(t, b, shop.Secret)))
	none := int64(0)
	next, err := onA.RotateKey(t.Context(), shop.ID, client.Rotation{OverlapSeconds: &none})
	if err != nil || next.Replaced == nil || *next.Replaces != shop.ID {
		t.Fatalf("%+v %v", next, err)
	}
	soon(t, "the rotated key is refused there", refused(as(t, b, shop.Secret)))
	soon(t, "its successor is known there", taken(as(t, b, next.Secret)))
	if _, err := onB.RevokeKey(t.Context(), next.ID, client.Revocation{}); err != nil {
		t.Fatal(err)
	}
	if !refused(as(t, b, next.Secret))() {
		t.Error("where a key was revoked, the next request is refused")
	}
	soon(t, "the revoked key is refused there", refused(as(t, a, next.Secret)))

	// The end writes down when keys were last used.
	for _, r := range []*running{a, b} {
		if err := r.stop(); err != nil {
			t.Fatal(err)
		}
	}
	cfg.FirstKeyFile = filepath.Join(t.TempDir(), "not-the-first")
	r := serve(t, app.Options{Config: cfg})
	k, err := as(t, r, admin.Secret).Key(t.Context(), admin.ID)
	if err != nil || k.LastUsedAt == nil || !k.LastUsedAt.After(k.CreatedAt.Add(-time.Second)) {
		t.Errorf("%+v %v", k, err)
	}
	if _, err := os.Stat(cfg.FirstKeyFile); !os.IsNotExist(err) {
		t.Errorf("a first key after the first: %v", err)
	}
	scraped, err := as(t, r, admin.Secret).Metrics(t.Context())
	if err != nil || !strings.Contains(scraped, "\nscrip_keys_usable 1\n") || !strings.Contains(scraped, "\nscrip_keys_stale 0\n") {
		t.Errorf("%v\n%s", err, scraped)
	}
}

// soon is eventually, and says how long it took: a second at most is what is promised of a server that has
// the processors it needs.
func soon(t *testing.T, what string, done func() bool) {
	t.Helper()
	began := time.Now()
	eventually(t, what, done)
	t.Logf("%s after %s", what, time.Since(began).Round(time.Millisecond))
}

// A key is made at the database, for a server that could not start without, and not beside a server that
// holds the embedded store.
func TestCreateKeyAtTheDatabase(t *testing.T) {
	t.Parallel()
	quiet := slog.New(slog.DiscardHandler)
	n := app.NewKey{Name: "admin", Kind: access.Secret, Scopes: access.Admin}
	for name, cfg := range map[string]config.Config{
		"SQLite":     configOf(filepath.Join(t.TempDir(), "new")),
		"PostgreSQL": on(testenv.Database(t)),
	} {
		cfg.Auth = config.AuthOn
		made, err := app.CreateKey(t.Context(), cfg, quiet, n)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		r := serve(t, app.Options{Config: cfg})
		c := as(t, r, made.Secret)
		events, err := c.AuditEvents(t.Context(), client.AuditQuery{})
		if err != nil || len(events.Data) != 1 || events.Data[0].Actor.Name != access.NameCLI {
			t.Errorf("%s: %+v %v", name, events, err)
		}
		again, err := app.CreateKey(t.Context(), cfg, quiet, n)
		if name == "SQLite" {
			if err == nil || !strings.Contains(err.Error(), "another scrip process") {
				t.Errorf("beside a running server: %v", err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		soon(t, "the key made at the database is known", func() bool {
			_, err := as(t, r, again.Secret).Keys(t.Context(), client.Page{})
			return err == nil
		})
	}
}

// Readiness and health need no key, so that a balancer needs none.
func TestProbesNeedNoKey(t *testing.T) {
	t.Parallel()
	cfg := configOf(t.TempDir())
	cfg.Auth, cfg.FirstKeyFile = config.AuthOn, filepath.Join(t.TempDir(), "key")
	r := serve(t, app.Options{Config: cfg})
	if status, err := r.client.Ready(t.Context()); err != nil || status.Status != "ready" {
		t.Errorf("%+v %v", status, err)
	}
	if _, err := r.client.Metrics(t.Context()); client.CodeOf(err) != client.CodeUnauthorized {
		t.Errorf("metrics: %v", err)
	}
}
