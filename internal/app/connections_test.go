package app

import (
	"errors"
	"io"
	"math"
	"net"
	"strings"
	"testing"
	"time"
)

func TestConnectionsOf(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		wanted int
		files  uint64
		want   int
	}{
		{20000, 0, 20000}, // no bound is known
		{20000, math.MaxUint64, 20000},
		{20000, 20256, 20000},
		{20000, 20255, 19999},
		{20000, 1024, 768},
		{500, 1024, 500},
		{20000, 513, 257},
		{20000, 512, 256},
		{20000, 100, 50},
		{20000, 1, 1},
		{1, 1, 1},
	} {
		if got := connectionsOf(c.wanted, c.files); got != c.want {
			t.Errorf("of %d connections with %d files: %d; want %d", c.wanted, c.files, got, c.want)
		}
	}
}

// atTheDoor is a doorkeeper on loopback, and those whom it has let in.
func atTheDoor(t *testing.T, most int, refusal func() []byte) (*doorkeeper, chan net.Conn) {
	t.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	d := newDoorkeeper(l, most, refusal)
	in, ended := make(chan net.Conn, 100), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			c, err := d.Accept()
			if err != nil {
				return
			}
			in <- c
		}
	}()
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
		<-ended
	})
	return d, in
}

// knock connects and returns what it is told before the end of the connection.
func knock(t *testing.T, d *doorkeeper) (net.Conn, func() string) {
	t.Helper()
	var dialer net.Dialer
	c, err := dialer.DialContext(t.Context(), "tcp", d.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c, func() string {
		t.Helper()
		if err := errors.Join(c.SetDeadline(time.Now().Add(time.Minute))); err != nil {
			t.Fatal(err)
		}
		said, _ := io.ReadAll(c) // a reset is an end as well
		return string(said)
	}
}

func TestDoorkeeperCountsThoseWhoAreIn(t *testing.T) {
	t.Parallel()
	d, in := atTheDoor(t, 2, func() []byte { return []byte("come again") })
	var inside []net.Conn
	for range 2 {
		knock(t, d)
		inside = append(inside, <-in)
	}
	for range 3 { // one that has sent its request is told as well
		c, said := knock(t, d)
		if _, err := io.WriteString(c, "POST /codes/use HTTP/1.1\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		if text := said(); text != "come again" {
			t.Errorf("beyond the bound it says %q", text)
		}
	}
	for range 3 { // to close twice gives one place back
		if err := inside[0].Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			t.Fatal(err)
		}
	}
	knock(t, d)
	inside[0] = <-in
	if _, said := knock(t, d); said() != "come again" {
		t.Error("a place was given back twice")
	}
	if n := d.refused.Load(); n != 4 {
		t.Errorf("%d were refused; want 4", n)
	}
	for _, c := range inside {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
}

// Where a word would cost a handshake, the connection just ends. However many come, few are told at a time.
func TestDoorkeeperNeverWaits(t *testing.T) {
	t.Parallel()
	silent, in := atTheDoor(t, 1, nil)
	knock(t, silent)
	first := <-in
	if _, said := knock(t, silent); said() != "" {
		t.Error("it says something")
	}
	_ = first.Close()

	d, in := atTheDoor(t, 1, func() []byte { return []byte("come again") })
	knock(t, d)
	first = <-in
	told := 0
	var all []func() string
	for range 3 * partingsMax {
		_, said := knock(t, d)
		all = append(all, said)
	}
	for _, said := range all {
		if strings.HasPrefix(said(), "come again") {
			told++
		}
	}
	if told == 0 || d.refused.Load() != 3*partingsMax {
		t.Errorf("%d of %d were told", told, d.refused.Load())
	}
	_ = first.Close()
}
