package cli

import (
	"fmt"

	"scrip/client"
)

const defaultURL = "http://127.0.0.1:8000"

// remote is what every command that talks to a server takes.
type remote struct {
	URL string `name:"url" env:"SCRIP_URL" default:"${url}" placeholder:"URL" help:"Where the server is (${default})."`
}

// dial returns the SDK's client. Each change gets a key, so that a lost answer is asked for again and
// nothing happens twice.
func (r *remote) dial() (*client.Client, error) {
	c, err := client.New(r.URL, client.WithAutomaticKeys(), client.WithUserAgent("scrip-cli"))
	if err != nil {
		return nil, usageError{fmt.Errorf("--url (SCRIP_URL) is %.200q: %w", r.URL, err)}
	}
	return c, nil
}
