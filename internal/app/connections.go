package app

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"scrip/internal/metrics"
)

// filesAside are the open files that are not a client's: the store's, the database's and Redis' connections, and
// some to spare.
const filesAside = 256

// connectionsOf is how many connections may be open at once, of those that are wanted, where the process may open
// so many files; zero files are no bound.
func connectionsOf(wanted int, files uint64) int {
	if files == 0 || uint64(wanted) <= files && files-uint64(wanted) >= filesAside { //nolint:gosec // wanted is at least 1
		return wanted
	}
	if files <= 2*filesAside {
		return max(1, int(files/2))
	}
	return int(files - filesAside) //nolint:gosec // below wanted
}

// A connection above the bound is told so and ended. Telling takes a moment, because a connection that is closed
// with something unread in it is reset, and the client may never see the answer; only so many are told at a time.
const (
	partingsMax = 64
	partingMax  = time.Second
)

// doorkeeper is a listener that keeps no more than so many connections open.
type doorkeeper struct {
	net.Listener
	max     int64
	refusal func() []byte // what a client above the bound is told; nil where it could not read it

	open     atomic.Int64
	refused  atomic.Int64
	partings chan struct{}
	parting  sync.WaitGroup
}

func newDoorkeeper(l net.Listener, connections int, refusal func() []byte) *doorkeeper {
	return &doorkeeper{Listener: l, max: int64(connections), refusal: refusal, partings: make(chan struct{}, partingsMax)}
}

// stat is how the connections stand.
func (d *doorkeeper) stat() metrics.Connections {
	return metrics.Connections{Open: d.open.Load(), Most: d.max, Refused: d.refused.Load()}
}

// Accept returns the next connection that there is room for.
func (d *doorkeeper) Accept() (net.Conn, error) {
	for {
		c, err := d.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if d.open.Add(1) <= d.max {
			return &admitted{Conn: c, door: d}, nil
		}
		d.open.Add(-1)
		d.refused.Add(1)
		d.part(c)
	}
}

// Close closes the listener and waits for those who are being told that there was no room.
func (d *doorkeeper) Close() error {
	err := d.Listener.Close()
	d.parting.Wait()
	return err
}

// part tells a client that there is no room, if that can be done without a wait, and ends the connection.
func (d *doorkeeper) part(c net.Conn) {
	if d.refusal == nil {
		_ = c.Close()
		return
	}
	select {
	case d.partings <- struct{}{}:
	default:
		_ = c.Close()
		return
	}
	d.parting.Go(func() {
		defer func() { <-d.partings }()
		d.tell(c)
	})
}

// tell waits a moment for the client to ask, since many clients take an answer before that for a fault, answers, and
// waits a moment for the answer to be read.
func (d *doorkeeper) tell(c net.Conn) {
	defer c.Close()                                   //nolint:errcheck // it is over
	_ = c.SetReadDeadline(time.Now().Add(partingMax)) // on an error the next call fails too
	_, _ = c.Read(make([]byte, 1))                    // whoever says nothing is told all the same
	_ = c.SetDeadline(time.Now().Add(partingMax))
	if _, err := c.Write(d.refusal()); err != nil {
		return
	}
	if half, ok := c.(interface{ CloseWrite() error }); ok && half.CloseWrite() == nil {
		_, _ = io.Copy(io.Discard, io.LimitReader(c, headerBytes))
	}
}

// admitted is a connection that has a place, until it is closed.
type admitted struct {
	net.Conn
	door *doorkeeper
	left atomic.Bool
}

// Close ends the connection and gives its place back.
func (a *admitted) Close() error {
	if a.left.CompareAndSwap(false, true) {
		a.door.open.Add(-1)
	}
	return a.Conn.Close()
}

// CloseWrite is how net/http ends a connection whose client may still be sending.
func (a *admitted) CloseWrite() error {
	if half, ok := a.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}
