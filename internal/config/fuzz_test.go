package config_test

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"scrip/internal/config"
)

// mark stands where a password does. It must come back nowhere.
const mark = "S3CR3T"

// FuzzDotEnv reads any text as a .env file. What is taken reads the same when it is put in quotes; what is refused
// is named by its file and line, and never repeated.
func FuzzDotEnv(f *testing.F) {
	for _, s := range []string{"A=b", "export A='b' # c", `A="b\n\"\\"`, "A=b\r\nB=\"", "\ufeffA=b", "=", "A=\xff", "A='\x00'"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		checkNotRepeated(t, text)
		env, err := config.ParseDotEnv(".env", text)
		if err != nil {
			if env != nil || !strings.HasPrefix(err.Error(), ".env:") {
				t.Fatalf("%q: %q, %v", text, env, err)
			}
			return
		}
		escape := strings.NewReplacer("\n", `\n`, `"`, `\"`, `\`, `\\`)
		var again strings.Builder
		for _, key := range slices.Sorted(maps.Keys(env)) {
			quoted := key + `="` + escape.Replace(env[key]) + "\"\n"
			if len(quoted) > 4096 {
				return // the escapes made the line too long
			}
			again.WriteString(quoted)
		}
		if got, err := config.ParseDotEnv(".env", again.String()); err != nil || !maps.Equal(got, env) {
			t.Fatalf("%q gives %q, but in quotes %q, %v", text, env, got, err)
		}
		for _, key := range config.UnknownKeys(env) {
			if _, ok := env[key]; !ok || !strings.HasPrefix(key, "SCRIP_") {
				t.Fatalf("%q is an unknown key of %q", key, text)
			}
		}
	})
}

// checkNotRepeated puts a password into a value, of a line that begins well.
func checkNotRepeated(t *testing.T, text string) {
	t.Helper()
	text = strings.NewReplacer("\r", "", "\n", "").Replace(text)
	for _, line := range []string{"KEY=" + mark + text, "KEY=" + text + mark, `KEY="` + mark + text, "KEY=1\nKEY=" + text + mark} {
		if _, err := config.ParseDotEnv(".env", line); err != nil && strings.Contains(err.Error(), mark) {
			t.Fatalf("%q: %v", line, err)
		}
	}
}

// FuzzConfig gives any setting any value. What is refused is named by its flag, in one short line; and a password
// in a URL is shown by no error and no dump, wherever in the URL somebody has written it.
func FuzzConfig(f *testing.F) {
	for _, s := range []string{
		"pass", "p@ss", "p#ss", "p/ss", "p?ss&a=b", "p%ss", "1/x", "1?x", "[::1]", "1?a=b", "#", "\x00", "127.0.0.1:8000", "postgres://h/d", "redis://h", "IRR",
	} {
		for at := range reflect.TypeFor[config.Config]().NumField() {
			f.Add(uint(at), s, int64(at)<<20)
		}
	}
	f.Fuzz(func(t *testing.T, at uint, text string, number int64) {
		c := config.Default()
		fill(reflect.ValueOf(&c).Elem(), at, text, number)
		if err := c.Validate(); err != nil {
			for line := range strings.Lines(err.Error()) {
				if !strings.HasPrefix(line, "--") || len(line) > 4096 {
					t.Fatalf("%q", line)
				}
			}
		}
		if all := c.Dump(); len(all) != reflect.TypeOf(c).NumField() {
			t.Fatalf("%d settings", len(all))
		}
		if r, err := config.ParseRate(text); err == nil && text != config.RateOff && (r.Every <= 0 || r.Burst < 1) || err != nil && r != (config.Rate{}) {
			t.Fatalf("%q is read as %+v, %v", text, r, err)
		}
		checkRedacts(t, text)
		checkResolve(t, text)
	})
}

// fill sets one member to what its type can hold.
func fill(v reflect.Value, at uint, text string, number int64) {
	switch m := v.Field(int(at % uint(v.NumField()))); m.Kind() {
	case reflect.String:
		m.SetString(text)
	case reflect.Int, reflect.Int64:
		m.SetInt(number)
	case reflect.Float64:
		m.SetFloat(float64(number))
	case reflect.Bool:
		m.SetBool(number%2 == 0)
	case reflect.Slice:
		if m.Type().Elem().Kind() == reflect.String {
			m.Set(reflect.ValueOf(strings.Split(text, ",")).Convert(m.Type()))
		}
	default:
	}
}

// checkRedacts holds that a password after "user:" is never shown, however it is written.
func checkRedacts(t *testing.T, password string) {
	t.Helper()
	c := config.Default()
	c.DatabaseURL = "postgres://scrip:" + password + mark + password + "@db.example/scrip?sslmode=disable"
	if got := dumped(t, c, "database-url").Value; strings.Contains(got, mark) {
		t.Fatalf("%q is dumped as %q", c.DatabaseURL, got)
	}
	c.DatabaseURLFile = c.DatabaseURL
	if got := dumped(t, c, "database-url-file").Value; strings.Contains(got, mark) {
		t.Fatalf("%q is dumped as %q", c.DatabaseURLFile, got)
	}
	if err := c.Validate(); err == nil || strings.Contains(err.Error(), mark) {
		t.Fatalf("%q: %v", c.DatabaseURL, err)
	}
	c.DatabaseURLFile = "/run/secrets/db"
	if err := c.Validate(); err != nil && strings.Contains(err.Error(), mark) {
		t.Fatalf("%q: %v", c.DatabaseURL, err)
	}
	c = config.Default()
	c.RedisURL = "redis://:" + password + mark + "@cache"
	if got := dumped(t, c, "redis-url").Value; strings.Contains(got, mark) {
		t.Fatalf("%q is dumped as %q", c.RedisURL, got)
	}
	if err := c.Validate(); err != nil && strings.Contains(err.Error(), mark) {
		t.Fatalf("%q: %v", c.RedisURL, err)
	}
}

// checkResolve holds that a file's secret is taken as it stands, but for the end of its line, or not repeated.
func checkResolve(t *testing.T, secret string) {
	t.Helper()
	c := config.Default()
	c.DatabaseURLFile = "/run/secrets/db"
	err := c.Resolve(func(string) (string, error) { return mark + secret, nil })
	switch {
	case err != nil && strings.Contains(err.Error(), mark):
		t.Fatalf("%q: %v", secret, err)
	case err == nil && c.DatabaseURL != strings.TrimRight(mark+secret, "\r\n"):
		t.Fatalf("%q is taken as %q", mark+secret, c.DatabaseURL)
	}
}
