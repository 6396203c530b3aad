package testenv

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
)

// Standby makes a server follow another one, from a base backup of it on. It only reads until it is promoted.
type Standby struct {
	Of   *Postgres
	Name string // by which Of knows it, in synchronous_standby_names say
}

// initData makes the data folder of a standby.
func (s *Standby) initData(ctx context.Context, bin, data string, as *owner) error {
	if err := makeData(data, as); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, filepath.Join(bin, "pg_basebackup"), "--pgdata="+data, "--checkpoint=fast", "--no-sync", //nolint:gosec // a program that we found, in a folder that we made
		"--write-recovery-conf", "--dbname="+s.Of.URL("postgres")+"&application_name="+s.Name)
	runAs(cmd, as)
	cmd.Dir, cmd.Env = data, serverEnv()
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("pg_basebackup: %w:\n%s", err, out)
	}
	return nil
}

// Promote makes a standby a primary, and waits until it is one.
func (p *Postgres) Promote(ctx context.Context) error { return p.exec(ctx, "SELECT pg_promote()") }
