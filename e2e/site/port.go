package site

import (
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
)

// Ports for servers that must come back to theirs: below those that Linux gives to outgoing connections, one
// of which could be a client's that redials, and above those of internal/testenv's servers.
const (
	portMin = 30_500
	portMax = 32_500
)

// given are the addresses that tests of this process have.
var given sync.Map

// FreeAddress is one on which nobody listened a moment ago, and that no other test of this process gets.
func FreeAddress(t testing.TB) string {
	t.Helper()
	var lc net.ListenConfig
	for range 200 {
		address := fmt.Sprintf("127.0.0.1:%d", portMin+rand.IntN(portMax-portMin)) //nolint:gosec // not a secret
		if _, taken := given.LoadOrStore(address, true); taken {
			continue
		}
		if l, err := lc.Listen(t.Context(), "tcp", address); err == nil {
			_ = l.Close() // only its number was wanted
			return address
		}
	}
	t.Fatal("there is no free port")
	return ""
}
