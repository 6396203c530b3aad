package site

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
)

// Ports for servers that must come back to theirs: below those that Linux gives to outgoing connections, one
// of which could be a client's that redials, and above those of internal/testenv's servers.
//
// A server that is being restarted leaves its port free for a moment, so a process of tests takes ports in blocks that no other
// takes from: it listens on the first port of each until it ends.
const (
	portMin   = 30_500
	portMax   = 32_500
	portBlock = 50
)

// ports are those that tests of this process may have.
type ports struct {
	mu     sync.Mutex
	claims []net.Listener // the first port of each block
	next   int
	end    int
}

var free ports

// FreeAddress is one on which nobody listens, and that no other test gets.
func FreeAddress(t testing.TB) string {
	t.Helper()
	address, err := free.take(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return address
}

func (p *ports) take(ctx context.Context) (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var lc net.ListenConfig
	for range portMax - portMin {
		if p.next == p.end {
			if err := p.claim(ctx); err != nil {
				return "", err
			}
		}
		address := fmt.Sprintf("127.0.0.1:%d", p.next)
		p.next++
		if l, err := lc.Listen(ctx, "tcp", address); err == nil {
			return address, l.Close() // only its number was wanted
		}
	}
	return "", errors.New("there is no free port")
}

// claim takes a block of ports that no other process has.
func (p *ports) claim(ctx context.Context) error {
	var lc net.ListenConfig
	for _, block := range rand.Perm((portMax - portMin) / portBlock) { //nolint:gosec // not a secret
		first := portMin + block*portBlock
		l, err := lc.Listen(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", first))
		if err != nil {
			continue
		}
		p.claims = append(p.claims, l)
		p.next, p.end = first+1, first+portBlock
		return nil
	}
	return errors.New("every block of ports is taken")
}
