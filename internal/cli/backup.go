package cli

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"scrip/internal/app"
)

type backupCmd struct {
	database `embed:""`

	To       string `name:"to" required:"" placeholder:"FILE" help:"File to make. One that exists is never replaced."`
	NoVerify bool   `name:"no-verify" help:"Leave out the recomputing of every invariant; SQLite's own check is made all the same."`
}

// Help is the long help.
func (*backupCmd) Help() string {
	return `It makes one file that holds everything as of one moment after the command began, beside a running server and without holding it up: whatever was answered before is in it. Then it checks the file, recomputes every invariant from its rows as scrip verify does, and only then gives it its name. Whatever fails or ends it, there is no half backup under that name.

The file is a secret: it holds every code and every balance. Bring it to another machine, and try scrip restore now and then.

PostgreSQL is backed up by its own tools, pg_dump or base backups with archived logs; docs/backup.md says how.

Example:
  scrip backup --data ./data --to /backup/scrip-$(date +%F).db
  scrip backup --data ./data --to /backup/scrip.db --no-verify --json`
}

// backedUp is the answer of backup and of restore.
type backedUp struct {
	File     string        `json:"file"`
	Bytes    int64         `json:"bytes"`
	Schema   int64         `json:"schema"`      // of the file that was made
	From     int64         `json:"from_schema"` // of what it was made from
	Verified bool          `json:"verified"`
	Read     app.Audited   `json:"read"` // for that
	Findings []app.Finding `json:"findings"`
	Seconds  float64       `json:"seconds"`
}

// Run backs up.
func (b *backupCmd) Run(c *command) error {
	cfg, err := b.config(c)
	if err != nil {
		return err
	}
	return c.carry("backing up", func(o app.BackupOptions) (app.BackupResult, error) {
		o.NoVerify = b.NoVerify
		return app.Backup(c.ctx, cfg, b.To, o)
	})
}

// carry runs a backup or a restore and prints what became of it.
func (c *command) carry(what string, do func(app.BackupOptions) (app.BackupResult, error)) error {
	out := backedUp{Findings: []app.Finding{}}
	o := app.BackupOptions{Report: func(f app.Finding) {
		switch {
		case !c.json:
			line(c.Stdout, "%s  %s  %s", f.Check, f.ID, f.Detail)
		case len(out.Findings) < findingsMax:
			out.Findings = append(out.Findings, f)
		}
	}}
	drawn := !c.json && isTerminal(c.Stderr)
	if drawn {
		o.Progress = func(done, total int64) { drawBytes(c.Stderr, what, done, total) }
	}
	began := time.Now()
	r, err := do(o)
	if drawn {
		_, _ = fmt.Fprint(c.Stderr, clearLine)
	}
	switch {
	case c.ctx.Err() != nil && err != nil: // a driver may call it otherwise
		return fmt.Errorf("%s: %w", what, c.ctx.Err())
	case errors.Is(err, app.ErrUnsound) && c.json:
		out.Seconds = time.Since(began).Seconds()
		return errors.Join(errNo, c.answer(out, nil))
	case errors.Is(err, app.ErrUnsound):
		line(c.Stdout, "NOT MADE: %v", err)
		return errNo
	case err != nil:
		return usageError{err}
	}
	out.File, out.Bytes, out.Schema, out.From, out.Verified, out.Read = r.Path, r.Bytes, r.Schema, r.From, r.Verified, r.Read
	out.Seconds = time.Since(began).Seconds()
	return c.answer(out, out.describe)
}

// describe shows the summary to a person.
func (s *backedUp) describe(w io.Writer) {
	line(w, "file\t%s", s.File)
	line(w, "size\t%s", mebibytes(s.Bytes))
	if s.From != s.Schema {
		line(w, "schema\t%d, brought up from %d", s.Schema, s.From)
	} else {
		line(w, "schema\t%d", s.Schema)
	}
	if s.Verified {
		line(w, "verified\tevery invariant holds: %s, %s, %s", plural(s.Read.Redemptions, "redemption", "redemptions"),
			plural(s.Read.Wallets, "wallet", "wallets"), plural(s.Read.Transfers, "ledger entry", "ledger entries"))
	} else {
		line(w, "verified\tno, only the file itself is checked; run scrip restore and scrip verify on another machine")
	}
	line(w, "took\t%.1f s", s.Seconds)
}

// mebibytes shows a size.
func mebibytes(n int64) string { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }

// drawBytes draws the progress of a copy over the line before.
func drawBytes(w io.Writer, what string, done, total int64) {
	part := int(done * barWidth / max(total, 1))
	bar := strings.Repeat("█", part) + strings.Repeat("░", barWidth-part)
	_, _ = fmt.Fprintf(w, "%s%s %s %s of %s", clearLine, what, bar, mebibytes(done), mebibytes(total))
}
