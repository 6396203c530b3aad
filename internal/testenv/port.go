package testenv

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
)

// Ports are drawn below the range that systems give to outgoing connections (Linux from 32768, others from
// 49152). Otherwise a client that redials a server which is down could be given the server's own port, be
// connected to itself, and keep the server from coming back. A Redis cluster node listens on port+busOffset
// too, so twice the range and the offset have to fit in there.
const (
	portMin   = 10_500
	portMax   = 20_499
	busOffset = 10_000
	portTries = 100
)

// freePort is a port on which nothing listens now, nor on its bus port. Somebody may take it before it is
// used: whoever starts a server tries again with another.
func freePort(ctx context.Context) (int, error) {
	var err error
	for range portTries {
		port := portMin + rand.IntN(portMax-portMin+1) //nolint:gosec // not a secret
		if err = listens(ctx, port, port+busOffset); err == nil {
			return port, nil
		}
	}
	return 0, fmt.Errorf("no free port after %d tries: %w", portTries, err)
}

// listens tries whether this process could listen on all the ports.
func listens(ctx context.Context, ports ...int) error {
	var config net.ListenConfig
	for _, port := range ports {
		l, err := config.Listen(ctx, "tcp", address(port))
		if err != nil {
			return err
		}
		if err := l.Close(); err != nil {
			return err
		}
	}
	return nil
}

func address(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
