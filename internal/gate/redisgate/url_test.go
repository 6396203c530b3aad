package redisgate_test

import (
	"slices"
	"strings"
	"testing"

	"scrip/internal/gate/memgate"
	"scrip/internal/gate/redisgate"
)

func TestURL(t *testing.T) {
	//nolint:gosec // the passwords are of nobody
	for _, c := range []struct {
		url      string
		hosts    []string
		user     string
		password string
		database int
		master   string
		single   bool
		sentinel string // as whom Sentinels are asked
		secure   string // the name that the server must prove, "*" for each its own
	}{
		{url: "redis://h", hosts: []string{"h:6379"}, single: true},
		{url: "redis://h:1/3", hosts: []string{"h:1"}, single: true, database: 3},
		{url: "redis://[::1]", hosts: []string{"[::1]:6379"}, single: true},
		{url: "redis://[::1]:7", hosts: []string{"[::1]:7"}, single: true},
		{url: "redis://:p%40%2F@h", hosts: []string{"h:6379"}, single: true, password: "p@/"},
		{url: "redis://u:a@b:c@h", hosts: []string{"h:6379"}, single: true, user: "u", password: "a@b:c"},
		{url: "rediss://u:p@h", hosts: []string{"h:6379"}, single: true, user: "u", password: "p", secure: "h"},
		{url: "redis+cluster://:p@a,b:1,[::2]:3", hosts: []string{"a:6379", "b:1", "[::2]:3"}, password: "p"},
		{url: "rediss+cluster://a", hosts: []string{"a:6379"}, secure: "*"},
		{url: "redis+sentinel://a,b:1/m", hosts: []string{"a:26379", "b:1"}, master: "m"},
		{url: "redis+sentinel://u:p@a/m%20m/2", hosts: []string{"a:26379"}, master: "m m", user: "u", password: "p", sentinel: "u:p", database: 2},
		{url: "rediss+sentinel://:p@a/m", hosts: []string{"a:26379"}, master: "m", password: "p", sentinel: ":p", secure: "*"},
		{url: "redis+sentinel://:p@a/m?sentinel_password=q%3F+", hosts: []string{"a:26379"}, master: "m", password: "p", sentinel: ":q?+"},
		{url: "redis+sentinel://a/m?sentinel_user=s&sentinel_password=q", hosts: []string{"a:26379"}, master: "m", sentinel: "s:q"},
		{url: "redis+sentinel://u:p@a/m?sentinel_password=", hosts: []string{"a:26379"}, master: "m", user: "u", password: "p"},
	} {
		o, err := redisgate.ParseURL(c.url)
		if err != nil {
			t.Errorf("%s: %v", c.url, err)
			continue
		}
		if !slices.Equal(o.InitAddress, c.hosts) || o.Username != c.user || o.Password != c.password ||
			o.SelectDB != c.database || o.Sentinel.MasterSet != c.master || o.ForceSingleClient != c.single {
			t.Errorf("%s is read as %v, %s:%s, database %d, master %q, single %v",
				c.url, o.InitAddress, o.Username, o.Password, o.SelectDB, o.Sentinel.MasterSet, o.ForceSingleClient)
		}
		if got := o.Sentinel.Username + ":" + o.Sentinel.Password; strings.TrimPrefix(got, ":") != strings.TrimPrefix(c.sentinel, ":") {
			t.Errorf("%s: Sentinels are asked as %s", c.url, got)
		}
		secure := ""
		if o.TLSConfig != nil {
			if secure = o.TLSConfig.ServerName; secure == "" {
				secure = "*"
			}
		}
		if secure != c.secure {
			t.Errorf("%s: TLS to %q", c.url, secure)
		}
	}
}

func TestBadURLs(t *testing.T) {
	local, err := memgate.New(memgate.Config{})
	must(t, err)
	for _, url := range []string{
		"", "secret", "h:6379", "http://u:secret@h", "redis://", "redis://u:secret@", "redis://u:secret@h:port", "redis://u:secret@h:0",
		"redis://u:secret@h:99999", "redis://u:secret@h/x", "redis://u:secret@h/1/2", "redis://u:secret@h/-1", "redis://a,b",
		"redis://u:%zzsecret@h", "redis://secret@h", "redis://u:secret?@h", "redis://u:secret#@h", "redis://u:secret/@h",
		"redis+cluster://u:secret@h/1", "redis+sentinel://u:secret@h", "redis+sentinel://u:secret@h/", "redis+other://u:secret@h",
		"redis+sentinel://u:secret?@h/m", "redis+sentinel://h/m?password=secret", "redis+sentinel://h/m?sentinel_user=secret", "redis+sentinel://h/m?sentinel_password=%zzsecret",
		"redis+sentinel://h/m?sentinel_password=secret#", "redis+sentinel://h/m?secret", "redis+sentinel://h/m?sentinel_password=secret?", "redis://h?sentinel_password=secret",
		"redis://u:secret@::1", "redis+cluster://u:secret@a,,b", "://u:secret@h",
	} {
		g, err := redisgate.New(t.Context(), redisgate.Config{URL: url}, local)
		if err == nil {
			t.Errorf("%s is taken", url)
			must(t, g.Close())
			continue
		}
		if strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: the error shows the password: %v", url, err)
		}
	}
}

func TestBadConfig(t *testing.T) {
	local, err := memgate.New(memgate.Config{})
	must(t, err)
	for _, cfg := range []redisgate.Config{
		{URL: "redis://h", Prefix: "a{b"},
		{URL: "redis://h", Prefix: "*"},
		{URL: "redis://h", Prefix: "A"},
		{URL: "redis://h", Prefix: strings.Repeat("a", 65)},
		{URL: "redis://h", Reconcile: -1},
	} {
		if g, err := redisgate.New(t.Context(), cfg, local); err == nil {
			t.Errorf("%+v is taken", cfg)
			must(t, g.Close())
		}
	}
}
