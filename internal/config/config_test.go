package config_test

import (
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"scrip/internal/config"
)

func TestDefault(t *testing.T) {
	t.Parallel()
	want := config.Config{
		Listen: "127.0.0.1:8000", Auth: "auto", Data: "./data", LogFormat: "text", LogLevel: "info", Currency: "IRR",
		LimitAddress: "200/s:2000", LimitCustomer: "2/s:10", LimitPublishable: "20000/s:40000",
		LimitMissesAddress: "20/h:40", LimitMissesCustomer: "10/h:10", LimitMissesTotal: "2/s:500",
		DatabasePool: 16, DatabaseStatementTimeout: 5 * time.Second, DatabaseLockTimeout: 2 * time.Second,
		RedisPrefix: "scrip", RedisReconcile: 30 * time.Second, RetentionAudit: 400 * 24 * time.Hour, SealInterval: time.Second,
		MaxBatch: 1024, MaxConnections: 20000, ShutdownGrace: 20 * time.Second, RequestTimeout: 10 * time.Second,
	}
	got := config.Default()
	if got != want {
		t.Errorf("Default() = %+v, want %+v", got, want)
	}
	if err := got.Validate(); err != nil {
		t.Errorf("the defaults are not valid: %v", err)
	}
}

func TestTagsAreComplete(t *testing.T) {
	t.Parallel()
	name := regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`)
	seen := map[string]bool{}
	for f := range reflect.TypeFor[config.Config]().Fields() {
		flag, env := f.Tag.Get("name"), f.Tag.Get("env")
		if !name.MatchString(flag) || seen[flag] {
			t.Errorf("%s: flag %q", f.Name, flag)
		}
		seen[flag] = true
		if want := "SCRIP_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_")); env != want {
			t.Errorf("%s: variable %q, want %s", f.Name, env, want)
		}
		if help := f.Tag.Get("help"); !strings.HasSuffix(help, ".") {
			t.Errorf("%s: help %q is no sentence", f.Name, help)
		}
	}
}
