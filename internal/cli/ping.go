package cli

import (
	"context"
	"io"
	"strings"
	"time"
)

type pingCmd struct {
	remote `embed:""`

	Timeout time.Duration `name:"timeout" default:"3s" placeholder:"DURATION" help:"Longest wait for the answer (${default})."`
}

// Help is the long help.
func (*pingCmd) Help() string {
	return `It asks the server's /readyz once. It exits with 0 if the server takes requests, and with 3 if it does not or can't be reached. The image has no shell and no curl, so this is its health check too.

Example:
  scrip ping
  scrip ping --url http://10.0.0.7:8000 --timeout 1s

  # in a Dockerfile
  HEALTHCHECK --interval=5s --timeout=4s CMD ["/scrip", "ping"]`
}

// Run asks.
func (k *pingCmd) Run(c *command) error {
	if k.Timeout <= 0 {
		return usage("--timeout is %s: it must be above zero", k.Timeout)
	}
	api, err := k.dial()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.ctx, k.Timeout)
	defer cancel()
	status, err := api.Ready(ctx)
	if err != nil {
		return err
	}
	return c.answer(status, func(w io.Writer) {
		text := k.URL + " is ready"
		if status.Version != "" {
			text += ", version " + status.Version
		}
		if len(status.Degraded) > 0 {
			text += ", without " + strings.Join(status.Degraded, ", ")
		}
		line(w, "%s.", text)
	})
}
