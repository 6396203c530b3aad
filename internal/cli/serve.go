package cli

import (
	"fmt"
	"io"
	"time"

	"scrip/internal/app"
	"scrip/internal/config"
)

type serveCmd struct {
	config.Config `embed:""`

	Demo bool `name:"demo" help:"Make the demo code 'salam' (1,000,000 for each of 2,000 customers) if it is not there."`
}

// Help is the long help.
func (*serveCmd) Help() string {
	return `The server keeps everything in the data directory, or in PostgreSQL where --database-url names one; it makes and migrates the database's schema itself. Any number of servers may share one PostgreSQL, with or without a Redis between them. It logs to stderr and ends in order on SIGTERM or Ctrl-C: what was answered is on disk.

This version has no API keys; they come in a later one. With --auth auto the server listens on loopback only, open to every program on this machine. With --auth off it listens anywhere, open to whoever can reach it: let only a network that you trust reach it.

Example:
  scrip serve --demo
  scrip serve --listen 127.0.0.1:9000 --data /var/lib/scrip --log-format json
  scrip serve --database-url-file /run/secrets/database --redis-url redis://cache:6379
  scrip serve --auth off --listen :8000 --database-url postgres://scrip:secret@db:5432/scrip`
}

// Run serves until it is told to stop.
func (s *serveCmd) Run(c *command) error {
	if err := settle(&s.Config); err != nil {
		return err
	}
	return app.Run(c.ctx, app.Options{
		Config:  s.Config,
		Version: c.version(),
		Demo:    s.Demo,
		LogTo:   c.Stderr,
		Ready: func(started app.Started) {
			// A closed stdout is no reason to stop serving.
			_ = c.answer(started, func(w io.Writer) { welcome(w, started) })
		},
	})
}

// welcome tells where the server listens and what to try next.
func welcome(w io.Writer, s app.Started) {
	code := s.Demo
	if code == "" {
		code = "CODE"
	}
	_, _ = fmt.Fprintf(w, `Scrip listens on %[1]s (ready in %[2]s).

Store: %[3]s
Gate:  %[4]s
Keys:  none; it is open to %[7]s

Try:
  curl -d '{"code":"%[5]s","mobile":"093648644710"}' %[6]s/codes/use
  curl -d '{"mobile":"093648644710"}' %[6]s/wallet/balance
  curl -d '{"code":"%[5]s"}' %[6]s/codes/report
`, s.URL, s.Took.Round(time.Millisecond), s.Store, s.Gate, code, s.URL, s.Open)
	if s.Demo == "" {
		line(w, "Make a code with: scrip code create --code %s --credit 1000 --limit 100", code)
	}
}
