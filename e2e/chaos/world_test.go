package chaos_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"scrip/client"
	"scrip/e2e/site"
	"scrip/internal/testenv"
)

// world is a site: its servers, what they stand on, and what is known of it while it is broken.
type world struct {
	t       *testing.T
	name    string
	program string
	servers []*server
	time    timebase
	clock   clock

	// What a fault can take hold of; nil where the site has none.
	disk      *site.Disk
	postgres  *testenv.Postgres
	redis     *testenv.Redis
	clockFile string // moves PostgreSQL's clock

	verify []string // the arguments of the command
	pulse  pulse

	mu    sync.Mutex
	wrong []string // what can't be true
}

// server is one replica.
type server struct {
	*site.Server
	w      *world
	client *client.Client
	points points
	held   sync.Mutex // by the fault that has it

	// The ways to it, and from it to what it stands on; nil where there is none.
	toClients, toPostgres, toRedis *site.Link
	cutter                         *site.Cutter

	down atomic.Bool // it does not run: hardly anybody asks it
}

const databaseName = "scrip"

// newSQLite is a site of one server on SQLite, on a disk that can be full where there is one.
func newSQLite(t *testing.T, program string) *world {
	t.Helper()
	w := newWorld(t, "SQLite", program)
	data := w.folder(128, 16)
	w.verify = []string{"verify", "--data", data}
	w.add("S", "--data", data)
	return w
}

// replicasUsual is how many servers stand over one PostgreSQL.
const replicasUsual = 3

// newPostgres is a site of replicas over PostgreSQL and, unless there is to be none, Redis.
func newPostgres(t *testing.T, program string, withRedis bool) *world {
	t.Helper()
	w := newWorld(t, "PostgreSQL", program)
	options := testenv.PostgresOptions{Dir: w.folder(256, 24), Env: w.fakeTime(), Conf: []string{
		"min_wal_size = 32MB", "max_wal_size = 48MB", "wal_recycle = off", "restart_after_crash = on",
	}}
	w.postgres = testenv.NewPostgres(t, options)
	if err := w.postgres.CreateDatabase(t.Context(), databaseName); err != nil {
		t.Fatal(err)
	}
	if withRedis {
		w.redis = testenv.NewRedis(t, testenv.RedisOptions{})
	}
	w.verify = []string{"verify", "--database-url", w.postgres.URL(databaseName)}
	for n := range replicasUsual {
		w.replica("ABC"[n : n+1])
	}
	return w
}

// replica adds a server with a link on each of its ways.
func (w *world) replica(name string) {
	w.t.Helper()
	s := w.add(name, "--data", w.t.TempDir())
	s.cutter = site.NewCutter(w.t, w.postgres.Addr())
	s.toPostgres = site.NewLink(w.t, s.cutter.Address())
	s.Args = append(s.Args, "--database-url",
		"postgres://scrip@"+s.toPostgres.Address()+"/"+databaseName+"?sslmode=disable&application_name="+name)
	if w.redis != nil {
		s.toRedis = site.NewLink(w.t, w.redis.Addr())
		s.Args = append(s.Args, "--redis-url", "redis://"+s.toRedis.Address())
	}
}

func newWorld(t *testing.T, name, program string) *world {
	t.Helper()
	return &world{t: t, name: name, program: program, time: timebase{time.Now()}}
}

// folder is where the site's truth is: on a disk of so many megabytes, and more for each minute of the run, or,
// where none can be had and CI is not set, in a folder.
func (w *world) folder(megabytes, perMinute float64) string {
	w.t.Helper()
	size := megabytes + perMinute*length(w.t).Minutes()
	disk, err := site.MountDisk(w.t, fmt.Sprintf("%.0fm", size))
	switch {
	case err == nil:
		w.disk = disk
		return disk.Path
	case os.Getenv("CI") != "":
		w.t.Fatal(err)
	}
	fmt.Fprintln(os.Stderr, "e2e/chaos: goes without a full disk:", err)
	return w.t.TempDir()
}

// add makes a server, not yet started.
func (w *world) add(name string, args ...string) *server {
	w.t.Helper()
	listen, switchboard := site.FreeAddress(w.t), site.FreeAddress(w.t)
	link := site.NewLink(w.t, listen)
	transport := &http.Transport{MaxIdleConnsPerHost: 2 * workers}
	w.t.Cleanup(transport.CloseIdleConnections)
	c, err := client.New("http://"+link.Address(), client.WithRetries(0), client.WithHTTPClient(&http.Client{Transport: transport}))
	if err != nil {
		w.t.Fatal(err)
	}
	s := &server{
		Server: &site.Server{
			Name: name, Program: w.program, Listen: listen, Dir: w.t.TempDir(), Env: []string{"GOFAIL_HTTP=" + switchboard},
			Args: append([]string{"serve", "--listen", listen, "--log-level", "warn", "--request-timeout", requestTimeout.String()}, args...),
		},
		w: w, client: c, points: points{switchboard}, toClients: link,
	}
	s.down.Store(true)
	w.t.Cleanup(s.Kill)
	w.servers = append(w.servers, s)
	return s
}

// start starts all servers.
func (w *world) start() {
	w.t.Helper()
	for _, s := range w.servers {
		if err := s.up(); err != nil {
			w.t.Fatal(err)
		}
	}
}

// up starts the server and lets the crowd know.
func (s *server) up() error {
	err := s.Start()
	s.down.Store(err != nil)
	return err
}

// crash kills the server.
func (s *server) crash() {
	s.down.Store(true)
	s.Kill()
}

// one is a server that no other fault has taken hold of, to be let go with held.Unlock; nil where there is
// none.
func (w *world) one(r *rand.Rand) *server {
	order := r.Perm(len(w.servers))
	for _, i := range order {
		if w.servers[i].held.TryLock() {
			return w.servers[i]
		}
	}
	return nil
}

// anybody is a server to ask: hardly ever one that is known not to run.
func (w *world) anybody(r *rand.Rand) *server {
	s := w.somebody(r)
	if s.down.Load() && r.IntN(10) > 0 {
		return nil
	}
	return s
}

// somebody is any server.
func (w *world) somebody(r *rand.Rand) *server { return w.servers[r.IntN(len(w.servers))] }

// say notes what can't be true.
func (w *world) say(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.wrong = append(w.wrong, fmt.Sprintf(format, args...))
}

// takeWrong takes what was noted.
func (w *world) takeWrong() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	wrong := w.wrong
	w.wrong = nil
	return wrong
}

// well waits until every server answers.
func (w *world) well(ctx context.Context) error {
	for _, s := range w.servers {
		var last error
		err := until(ctx, s.Name+"'s readiness", func() bool {
			ctx, cancel := context.WithTimeout(ctx, patience)
			defer cancel()
			_, last = s.client.Ready(ctx)
			return last == nil
		})
		if err != nil {
			return fmt.Errorf("%w: %w; its log ends:\n%s", err, last, site.Tail(s.Log.String(), 15))
		}
	}
	return nil
}

// holds has the command verify look at everything.
func (w *world) holds(ctx context.Context) error {
	got, err := site.Run(ctx, w.program, w.t.TempDir(), w.verify...)
	if err == nil && got.Code != 0 {
		err = fmt.Errorf("verify exits with %d:\n%s%s", got.Code, got.Stdout, got.Stderr)
	}
	return err
}
