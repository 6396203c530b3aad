package pgstore

import (
	"context"
	"net"
	"syscall"
	"time"
)

// A host that vanishes, or a firewall that forgets a connection, says nothing. The system tells us after about
// this long: of what was sent and is not confirmed, and of a connection on which nothing goes on.
const silenceMax = 3 * time.Second

// dial connects and has the system watch over the connection.
func dial(ctx context.Context, network, address string) (net.Conn, error) {
	d := net.Dialer{
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: time.Second, Interval: time.Second, Count: int(silenceMax / time.Second)},
		Control: func(network, _ string, raw syscall.RawConn) error {
			if network == "unix" {
				return nil
			}
			var failed error
			err := raw.Control(func(fd uintptr) { failed = watchSent(fd, silenceMax) })
			if err != nil {
				return err
			}
			return failed
		},
	}
	return d.DialContext(ctx, network, address)
}
