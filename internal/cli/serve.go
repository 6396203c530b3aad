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

Who may call: with --auth auto a server on loopback is open to every program on this machine until the first key is made, and from then on to holders of keys; on any other address it takes keys from the start, and won't start without one. --auth on takes keys everywhere. With --auth off it is open to whoever can reach it: let only a network that you trust reach it. The first key is made with scrip key create, at the database, or by the server with --first-key-file.

Example:
  scrip serve --demo
  scrip serve --listen 127.0.0.1:9000 --data /var/lib/scrip --log-format json
  scrip serve --database-url-file /run/secrets/database --redis-url redis://cache:6379
  scrip serve --listen :8000 --first-key-file /var/lib/scrip/first-key --data /var/lib/scrip`
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
	code, key := s.Demo, ""
	if code == "" {
		code = "CODE"
	}
	if s.Keyed {
		key = ` -u "$SCRIP_KEY:"`
	}
	_, _ = fmt.Fprintf(w, `Scrip listens on %[1]s (ready in %[2]s).

Store: %[3]s
Gate:  %[4]s
Open:  to %[6]s
%[8]s
Try:
  curl%[7]s -d '{"code":"%[5]s","mobile":"093648644710"}' %[1]s/codes/use
  curl%[7]s -d '{"mobile":"093648644710"}' %[1]s/wallet/balance
  curl%[7]s -d '{"code":"%[5]s"}' %[1]s/codes/report
`, s.URL, s.Took.Round(time.Millisecond), s.Store, s.Gate, code, s.Open, key, firstKeyHint(s.Key))
	if s.Demo != "" {
		return
	}
	line(w, "Make a code with: scrip code create%s --code %s --credit 1000 --limit 100", urlFlag(s.URL), code)
	if s.Keyed { // on the command line others could read it
		line(w, "It takes the key from SCRIP_KEY in the environment, or from --key-file.")
	}
}

// firstKeyHint tells how to take the first key up, where it was made just now.
func firstKeyHint(path string) string {
	if path == "" {
		return ""
	}
	return fmt.Sprintf("\nThe first key, with all scopes, is in %[1]s. To call with it:\n  export SCRIP_KEY=\"$(cat %[1]s)\"\n", path)
}
