package cli

import "scrip/internal/app"

type restoreCmd struct {
	database `embed:""`

	From string `name:"from" required:"" placeholder:"FILE" help:"File that scrip backup made. It is left as it is."`
}

// Help is the long help.
func (*restoreCmd) Help() string {
	return `It makes a data folder, which must be new or empty, from a file that scrip backup made, brings it to this version's schema, and recomputes every invariant from its rows. The database appears in the folder when all of that has come out right, or not at all.

What happened after the backup is not in it: ranks and receipts that were given out since are given out again. Keep the old folder, and look there for what is missing.

Example:
  scrip restore --from /backup/scrip-2026-03-20.db --data ./restored
  scrip serve --data ./restored`
}

// Run restores.
func (r *restoreCmd) Run(c *command) error {
	cfg, err := r.config(c)
	if err != nil {
		return err
	}
	return c.carry("restoring", func(o app.BackupOptions) (app.BackupResult, error) {
		return app.Restore(c.ctx, cfg, r.From, o)
	})
}
