package cli

import (
	"cmp"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"scrip/client"
)

type pingCmd struct {
	URL     string `name:"url" env:"SCRIP_URL" placeholder:"URL" help:"Where the server is; without it, on this machine, where --listen says."`
	Key     string `name:"key" env:"SCRIP_KEY" placeholder:"SECRET" help:"Key to call it with; it asks for none."`
	KeyFile string `name:"key-file" env:"SCRIP_KEY_FILE" placeholder:"PATH" help:"File that holds --key."`

	Listen  string        `name:"listen" env:"SCRIP_LISTEN" placeholder:"HOST:PORT" help:"What the server on this machine was given as its --listen (127.0.0.1:8000)."`
	TLSCert string        `name:"tls-cert" env:"SCRIP_TLS_CERT" placeholder:"PATH" help:"What it was given as its --tls-cert; then it is asked by https."`
	Timeout time.Duration `name:"timeout" default:"3s" placeholder:"DURATION" help:"Longest wait for the answer (${default})."`
}

// Help is the long help.
func (*pingCmd) Help() string {
	return `It asks the server's /readyz once. It exits with 0 if the server takes requests, and with 3 if it does not or can't be reached. Without --url it asks the server that was started with the same settings on this machine. The image has no shell and no curl, so this is its health check too.

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
	where, api, err := k.dial()
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
		text := where + " is ready"
		if status.Version != "" {
			text += ", version " + status.Version
		}
		if len(status.Degraded) > 0 {
			text += ", without " + strings.Join(status.Degraded, ", ")
		}
		line(w, "%s.", text)
	})
}

// dial returns the SDK's client for the server that is named, or for the one on this machine.
func (k *pingCmd) dial() (string, *client.Client, error) {
	if k.URL != "" || k.Listen == "" && k.TLSCert == "" {
		r := remote{URL: cmp.Or(k.URL, defaultURL), Key: k.Key, KeyFile: k.KeyFile}
		api, err := r.dial()
		return r.URL, api, err
	}
	where, err := k.here()
	if err != nil {
		return "", nil, err
	}
	// A certificate is for the name that clients know, which this is not. Nothing is told to whoever answers, a key
	// least of all.
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}} //nolint:gosec // see above
	api, err := client.New(where, client.WithUserAgent("scrip-cli"), client.WithHTTPClient(&http.Client{Transport: transport}))
	if err != nil {
		return "", nil, usage("--listen (SCRIP_LISTEN) is %.200q: it must be HOST:PORT", k.Listen)
	}
	return where, api, nil
}

// here is where the server on this machine can be asked.
func (k *pingCmd) here() (string, error) {
	host, port, err := net.SplitHostPort(cmp.Or(k.Listen, strings.TrimPrefix(defaultURL, "http://")))
	if err != nil {
		return "", usage("--listen (SCRIP_LISTEN) is %.200q: it must be HOST:PORT", k.Listen)
	}
	switch host {
	case "", "0.0.0.0":
		host = "127.0.0.1"
	case "::":
		host = "::1"
	}
	scheme := "http://"
	if k.TLSCert != "" {
		scheme = "https://"
	}
	return scheme + net.JoinHostPort(host, port), nil
}
