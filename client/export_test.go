package client

import "time"

// WithoutWaiting asks again at once.
func WithoutWaiting() Option {
	return func(c *Client) { c.wait = func(int, time.Duration) time.Duration { return 0 } }
}

// Backoff is how long a Client waits.
var Backoff = backoff
