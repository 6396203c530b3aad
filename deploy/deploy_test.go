// Package deploy_test holds the files beside it to what they promise, as far as that goes without Docker:
// the settings of PostgreSQL and Redis in servers that run with them, the rest as text.
package deploy_test

import (
	"cmp"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/pb33f/go-yaml"
	"github.com/redis/rueidis"

	"scrip/internal/config"
	"scrip/internal/testenv"
)

func TestMain(m *testing.M) { testenv.MainLeak(m) }

// compose is the part of a compose file that is looked at.
type compose struct {
	Services map[string]service
	Secrets  map[string]struct{ File string }
}

type service struct {
	Image           string
	Environment     map[string]string
	Ports           []string
	Secrets         []string
	Healthcheck     map[string]any
	StopGracePeriod string `yaml:"stop_grace_period"`
	Deploy          struct{ Replicas int }
}

const (
	development = "../docker-compose.yml"
	production  = "compose.prod.yml"
)

func load(t *testing.T, path string) compose {
	t.Helper()
	text, err := os.ReadFile(path)
	must(t, err)
	var c compose
	if err := yaml.Unmarshal(text, &c); err != nil || len(c.Services) == 0 {
		t.Fatalf("%s: %v, %d services", path, err, len(c.Services))
	}
	return c
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Nothing is published beyond this machine, images of others are of one version, each service says whether it
// is well (Scrip's image does it for itself), and its settings are ones that Scrip has.
func TestCompose(t *testing.T) {
	t.Parallel()
	for _, path := range []string{development, production} {
		for name, s := range load(t, path).Services {
			for _, port := range s.Ports {
				if !strings.HasPrefix(port, "127.0.0.1:") {
					t.Errorf("%s: %s publishes %s", path, name, port)
				}
			}
			ours := s.Image == "" || strings.HasPrefix(s.Image, "scrip:")
			if !ours && (!strings.Contains(s.Image, ":") || strings.HasSuffix(s.Image, ":latest")) {
				t.Errorf("%s: %s is of no certain version: %s", path, name, s.Image)
			}
			if !ours && s.Healthcheck["test"] == nil {
				t.Errorf("%s: nobody knows whether %s is well", path, name)
			}
			for variable := range s.Environment {
				if strings.HasPrefix(variable, "SCRIP_") && !slices.Contains(variables(), variable) {
					t.Errorf("%s: Scrip has no setting %s", path, variable)
				}
			}
		}
	}
}

// variables are the names of Scrip's settings in the environment.
func variables() []string {
	var names []string
	for f := range reflect.TypeFor[config.Config]().Fields() {
		names = append(names, f.Tag.Get("env"))
	}
	return names
}

// A container is killed only after Scrip has had its time to answer what it has.
func TestStopGrace(t *testing.T) {
	t.Parallel()
	for _, path := range []string{development, production} {
		s := load(t, path).Services["scrip"]
		grace, err := time.ParseDuration(cmp.Or(s.Environment["SCRIP_SHUTDOWN_GRACE"], config.Default().ShutdownGrace.String()))
		must(t, err)
		stop, err := time.ParseDuration(s.StopGracePeriod)
		must(t, err)
		if stop <= grace {
			t.Errorf("%s: it is killed after %s, and needs %s", path, stop, grace)
		}
	}
}

// makeSecrets runs make-secrets in a folder of the test's, and returns the folder of the secrets.
func makeSecrets(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	script, err := os.ReadFile("make-secrets")
	must(t, err)
	path := filepath.Join(dir, "make-secrets")
	must(t, os.WriteFile(path, script, 0o600))
	// By bash: a file that was just written can't be executed while a process that is being started beside has it open, too.
	if out, err := exec.CommandContext(t.Context(), "bash", path).CombinedOutput(); err != nil { //nolint:gosec // our own program
		t.Fatalf("%v: %s", err, out)
	}
	if out, err := exec.CommandContext(t.Context(), "bash", path).CombinedOutput(); err == nil { //nolint:gosec // our own program
		t.Errorf("it replaced the secrets that were there: %s", out)
	}
	return filepath.Join(dir, "secrets")
}

// Every secret that is mounted is made, and every one that is made is mounted.
func TestSecrets(t *testing.T) {
	t.Parallel()
	dir := makeSecrets(t)
	entries, err := os.ReadDir(dir)
	must(t, err)
	var made []string
	for _, e := range entries {
		made = append(made, e.Name())
	}
	c := load(t, production)
	var mounted []string
	for name, s := range c.Secrets {
		if s.File != "./secrets/"+name {
			t.Errorf("secret %s is in %s", name, s.File)
		}
		mounted = append(mounted, name)
	}
	slices.Sort(mounted)
	if !slices.Equal(made, mounted) {
		t.Errorf("made %v, mounted %v", made, mounted)
	}
	for name, s := range c.Services {
		for _, secret := range s.Secrets {
			if _, ok := c.Secrets[secret]; !ok {
				t.Errorf("%s mounts %s, which is not declared", name, secret)
			}
		}
	}
	settings := config.Default()
	settings.DatabaseURLFile, settings.RedisURLFile = filepath.Join(dir, "database_url"), filepath.Join(dir, "redis_url")
	must(t, settings.Resolve(func(path string) (string, error) {
		text, err := os.ReadFile(path)
		return string(text), err
	}))
	must(t, settings.Validate())
	password, err := os.ReadFile(filepath.Join(dir, "postgres_password"))
	must(t, err)
	u, err := url.Parse(settings.DatabaseURL)
	must(t, err)
	if got, _ := u.User.Password(); got != strings.TrimSpace(string(password)) || len(got) != 64 {
		t.Error("the URL of the database has another password than the database")
	}
}

// PostgreSQL takes the file, the settings that make the promises true are in force, and it has connections
// enough for two versions of all replicas at once.
func TestPostgresConf(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("postgresql.conf")
	must(t, err)
	lines := append(strings.Split(string(text), "\n"), "listen_addresses = '127.0.0.1'") // a test listens on loopback alone
	p := testenv.NewPostgres(t, testenv.PostgresOptions{Conf: lines})
	conn, err := pgx.Connect(t.Context(), p.URL("postgres"))
	must(t, err)
	defer conn.Close(t.Context()) //nolint:errcheck // only read
	show := func(name string) (value string) {
		must(t, conn.QueryRow(t.Context(), "SELECT setting FROM pg_settings WHERE name = $1", name).Scan(&value))
		return value
	}
	for name, want := range map[string]string{ //nolint:gosec // no password, but how they are stored
		"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on",
		"idle_in_transaction_session_timeout": "10000", "password_encryption": "scram-sha-256",
	} {
		if got := show(name); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
	have, err := strconv.Atoi(show("max_connections"))
	must(t, err)
	scrip := load(t, production).Services["scrip"]
	pool, err := strconv.Atoi(scrip.Environment["SCRIP_DATABASE_POOL"])
	must(t, err)
	const others = 14 + 3 // migrate and the like, and what is reserved for a superuser
	if need := 2*scrip.Deploy.Replicas*pool + others; scrip.Deploy.Replicas < 2 || have < need {
		t.Errorf("max_connections is %d; %d replicas of %d connections need %d", have, scrip.Deploy.Replicas, pool, need)
	}
}

// Redis takes the file, asks for the password that was made, and evicts where it is full.
func TestRedisConf(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("redis.conf")
	must(t, err)
	dir := makeSecrets(t)
	const mounted = "/run/secrets/redis_auth"
	if !strings.Contains(string(text), mounted) {
		t.Fatalf("it does not include %s", mounted)
	}
	conf := strings.ReplaceAll(string(text), mounted, filepath.Join(dir, "redis_auth"))
	r := testenv.NewRedis(t, testenv.RedisOptions{Conf: strings.Split(conf, "\n")})
	if _, err := r.Do(t.Context(), "PING"); err == nil || !strings.Contains(err.Error(), "NOAUTH") {
		t.Errorf("without a password it answers %v", err)
	}
	secret, err := os.ReadFile(filepath.Join(dir, "redis_url"))
	must(t, err)
	option, err := rueidis.ParseURL(strings.Replace(strings.TrimSpace(string(secret)), "redis:6379", r.Addr(), 1))
	must(t, err)
	client, err := rueidis.NewClient(option)
	must(t, err)
	defer client.Close()
	for name, want := range map[string]string{"maxmemory": "268435456", "maxmemory-policy": "allkeys-lru", "save": "", "appendonly": "no"} {
		got, err := client.Do(t.Context(), client.B().ConfigGet().Parameter(name).Build()).AsStrMap()
		if must(t, err); got[name] != want {
			t.Errorf("%s is %q, want %q", name, got[name], want)
		}
	}
}
