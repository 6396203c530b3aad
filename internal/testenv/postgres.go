package testenv

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"
)

// PostgresOptions say what differs from a server for tests.
type PostgresOptions struct {
	Dir     string   // where the server's folder is made; empty for the system's temporary folder
	Conf    []string // lines "name = value" of postgresql.conf; the last one of a name holds
	Durable bool     // write as a server in production does; otherwise without fsync, which only a crash of the host can tell
	Port    int      // 0 for a free one
	From    string   // a base backup to go on from, as pg_basebackup makes it; it is copied. Empty for a new server
	Env     []string // beside our own, as in "NAME=value"
	Standby *Standby // nil for a server that stands alone
	TLS     bool     // speak TLS to those who ask for it, by a certificate that nobody has signed; for a new server
}

// Postgres is a PostgreSQL server of our own. Its superuser is scrip, who needs no password.
type Postgres struct {
	server

	confMu sync.Mutex
	conf   []string
	env    []string
}

// owner is the user that a server runs as.
type owner struct{ uid, gid uint32 }

// StartPostgres makes a new server and waits until it accepts connections.
func StartPostgres(ctx context.Context, o PostgresOptions) (*Postgres, error) {
	bin, err := postgresBin()
	if err != nil {
		return nil, err
	}
	as, err := unprivileged()
	if err != nil {
		return nil, err
	}
	f, err := newFolder(o.Dir)
	if err != nil {
		return nil, err
	}
	p := &Postgres{conf: slices.Concat(baseConf(o.Durable), o.Conf), env: o.Env}
	data := filepath.Join(f.path, "data")
	p.server = server{
		name: "PostgreSQL", folder: f, crash: sigCrash, end: sigEnd,
		command: func(port int) (*exec.Cmd, error) { return p.command(bin, data, as, port) },
		ready:   func(s *server, _ int64) bool { return accepts(data, s.proc.pid(), o.Standby != nil) },
	}
	switch {
	case o.Standby != nil:
		err = o.Standby.initData(ctx, bin, data, as)
	case o.From != "":
		err = copyData(o.From, data, as)
	default:
		err = initData(ctx, bin, data, as)
	}
	if err == nil && o.TLS {
		p.conf = append(p.conf, "ssl = on")
		err = makeCertificate(data, as)
	}
	if err != nil {
		return nil, errors.Join(err, f.remove())
	}
	if err := p.launch(ctx, o.Port); err != nil {
		return nil, err
	}
	return p, nil
}

// baseConf is the whole of postgresql.conf but for the caller's lines. Without fsync a commit still reaches
// the kernel before it is acknowledged, so that it survives Kill: synchronous_commit stays on.
func baseConf(durable bool) []string {
	sync := "off"
	if durable {
		sync = "on"
	}
	return []string{
		"listen_addresses = '127.0.0.1'",
		"unix_socket_directories = ''",
		"max_connections = 200",
		"shared_buffers = 64MB",
		"synchronous_commit = on",
		"fsync = " + sync,
		"full_page_writes = " + sync,
		"timezone = 'UTC'",
		"log_timezone = 'UTC'",
		"datestyle = 'iso, mdy'",
		"jit = off", // plans of short statements are not worth compiling
	}
}

// PostgresProgram is the path of one of PostgreSQL's programs, such as pg_dump, of the version that
// StartPostgres starts.
func PostgresProgram(name string) (string, error) {
	bin, err := postgresBin()
	if err != nil {
		return "", err
	}
	path := filepath.Join(bin, name)
	if _, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("%s: %w: %w", name, ErrMissing, err)
	}
	return path, nil
}

// makeData makes an empty data folder. Where we are root, it belongs to the user that the server runs as.
func makeData(data string, as *owner) error {
	if err := os.Mkdir(data, 0o700); err != nil || as == nil {
		return err
	}
	return errors.Join(openTo(filepath.Dir(data)), os.Chown(data, int(as.uid), int(as.gid)))
}

// copyData makes the data folder from a base backup.
func copyData(from, data string, as *owner) error {
	if err := makeData(data, as); err != nil {
		return err
	}
	if err := os.CopyFS(data, os.DirFS(from)); err != nil || as == nil {
		return err
	}
	root, err := os.OpenRoot(data)
	if err != nil {
		return err
	}
	return errors.Join(fs.WalkDir(root.FS(), ".", func(path string, _ fs.DirEntry, err error) error {
		return errors.Join(err, root.Lchown(path, int(as.uid), int(as.gid)))
	}), root.Close())
}

// initData makes the data folder of a new server.
func initData(ctx context.Context, bin, data string, as *owner) error {
	if err := makeData(data, as); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, filepath.Join(bin, "initdb"), "-D", data, "-U", "scrip", "-A", "trust", //nolint:gosec // a program that we found, in a folder that we made
		"--no-sync", "--encoding=UTF8", "--locale=C", "--no-instructions")
	runAs(cmd, as)
	cmd.Dir, cmd.Env = data, serverEnv()
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w:\n%s", err, out)
	}
	return nil
}

// command writes the configuration and makes the command that serves. It is the server itself and not
// pg_ctl, so that the process is our child.
func (p *Postgres) command(bin, data string, as *owner, port int) (*exec.Cmd, error) {
	p.confMu.Lock()
	text := strings.Join(p.conf, "\n") + "\nport = " + strconv.Itoa(port) + "\n"
	p.confMu.Unlock()
	if err := os.WriteFile(filepath.Join(data, "postgresql.conf"), []byte(text), 0o600); err != nil {
		return nil, err
	}
	cmd := exec.Command(filepath.Join(bin, "postgres"), "-D", data) //nolint:gosec,noctx // a program that we found; Stop ends it, however long the context lasts
	runAs(cmd, as)
	cmd.Dir, cmd.Env = data, append(serverEnv(), p.env...)
	return cmd, nil
}

// serverEnv is our environment without PostgreSQL's own variables, which would reconfigure it.
func serverEnv() []string {
	env := slices.DeleteFunc(os.Environ(), func(v string) bool {
		return strings.HasPrefix(v, "PG") || strings.HasPrefix(v, "LC_") || strings.HasPrefix(v, "LANG")
	})
	return append(env, "LC_ALL=C")
}

// accepts reports whether the server's own file about itself says so, about this process. To ask the port
// could mean to ask somebody else's server. A standby accepts as one until it is promoted.
func accepts(data string, pid int, standby bool) bool {
	const pidLine, stateLine = 0, 7
	text, err := os.ReadFile(filepath.Join(data, "postmaster.pid")) //nolint:gosec // in a folder that we made
	if err != nil {
		return false
	}
	lines := strings.Split(string(text), "\n")
	if len(lines) <= stateLine || lines[pidLine] != strconv.Itoa(pid) {
		return false
	}
	state := strings.TrimSpace(lines[stateLine])
	return state == "ready" || standby && state == "standby"
}

// SetConf adds lines "name = value" to the configuration; of a name the last line holds. The next Start reads
// them.
func (p *Postgres) SetConf(lines ...string) {
	p.confMu.Lock()
	defer p.confMu.Unlock()
	p.conf = append(p.conf, lines...)
}

// URL is where to find a database. There is always one called postgres.
func (p *Postgres) URL(database string) string {
	return "postgres://scrip@" + p.Addr() + "/" + database + "?sslmode=disable"
}

// CreateDatabase makes an empty database.
func (p *Postgres) CreateDatabase(ctx context.Context, name string) error {
	return p.exec(ctx, "CREATE DATABASE "+pgx.Identifier{name}.Sanitize())
}

// dropDatabase drops a database and ends the sessions in it.
func (p *Postgres) dropDatabase(ctx context.Context, name string) error {
	return p.exec(ctx, "DROP DATABASE IF EXISTS "+pgx.Identifier{name}.Sanitize()+" WITH (FORCE)")
}

func (p *Postgres) exec(ctx context.Context, sql string) error {
	conn, err := pgx.Connect(ctx, p.URL("postgres"))
	if err != nil {
		return fmt.Errorf("%s: %w", sql, err)
	}
	_, err = conn.Exec(ctx, sql)
	if err := errors.Join(err, conn.Close(ctx)); err != nil {
		return fmt.Errorf("%s: %w", sql, err)
	}
	return nil
}
