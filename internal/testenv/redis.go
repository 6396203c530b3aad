package testenv

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// RedisOptions say what differs from a server for tests.
type RedisOptions struct {
	Dir      string   // where the server's folder is made; empty for the system's temporary folder
	Conf     []string // lines "name value" of redis.conf; loglevel stays at notice, which tells when it accepts
	Port     int      // 0 for a free one
	Sentinel bool     // a Sentinel instead of a store; Conf has its "sentinel monitor" line
}

// Redis is a Redis server of our own, which keeps nothing on disk unless its Conf says so.
type Redis struct {
	server

	confMu  sync.Mutex
	conf    []string
	written bool // the file has the configuration; a Sentinel writes on in it
}

// StartRedis makes a new server and waits until it accepts connections.
func StartRedis(ctx context.Context, o RedisOptions) (*Redis, error) {
	program, err := redisServer()
	if err != nil {
		return nil, err
	}
	f, err := newFolder(o.Dir)
	if err != nil {
		return nil, err
	}
	base := []string{"bind 127.0.0.1", "dir " + f.path, "daemonize no", `logfile ""`, `save ""`, "appendonly no"}
	r := &Redis{conf: slices.Concat(base, o.Conf)}
	r.server = server{
		name: "Redis", folder: f, crash: sigKill, end: sigKill, // it has nothing to save
		command: func(port int) (*exec.Cmd, error) { return r.command(program, port, o.Sentinel) },
		ready: func(s *server, from int64) bool {
			said := s.logFrom(from)
			return strings.Contains(said, "Ready to accept connections") || strings.Contains(said, "Sentinel ID is")
		},
	}
	if err := r.launch(ctx, o.Port); err != nil {
		return nil, err
	}
	return r, nil
}

// command writes the configuration, where it has changed, and makes the command that serves.
func (r *Redis) command(program string, port int, sentinel bool) (*exec.Cmd, error) {
	r.confMu.Lock()
	defer r.confMu.Unlock()
	file := filepath.Join(r.folder.path, "redis.conf")
	if !r.written {
		if err := os.WriteFile(file, []byte(strings.Join(r.conf, "\n")+"\n"), 0o600); err != nil {
			return nil, err
		}
		r.written = true
	}
	args := []string{file, "--port", strconv.Itoa(port)}
	if sentinel {
		args = append(args, "--sentinel")
	}
	cmd := exec.Command(program, args...) //nolint:gosec,noctx // a program that we found; Stop ends it, however long the context lasts
	cmd.Dir = r.folder.path
	return cmd, nil
}

// SetConf adds lines "name value" to the configuration; of most names the last line holds. The next Start
// reads them.
func (r *Redis) SetConf(lines ...string) {
	r.confMu.Lock()
	defer r.confMu.Unlock()
	r.conf, r.written = append(r.conf, lines...), false
}

// URL is where to find the server.
func (r *Redis) URL() string { return "redis://" + r.Addr() }

// Do sends one command over a connection of its own and returns the answer: text as it is, a list as its
// elements' lines, nothing for nil.
func (r *Redis) Do(ctx context.Context, args ...string) (string, error) {
	answer, err := ask(ctx, r.Addr(), args)
	if err != nil {
		return "", fmt.Errorf("%s: %w", strings.Join(args, " "), err)
	}
	return answer, nil
}

// errAnswer is an answer that the protocol does not have.
var errAnswer = errors.New("not an answer of Redis")
