package pgstore

import (
	"syscall"
	"time"
)

// tcpUserTimeout is TCP_USER_TIMEOUT (RFC 5482), which package syscall does not name.
const tcpUserTimeout = 0x12

// watchSent ends a connection whose peer has not confirmed for so long what was sent.
func watchSent(fd uintptr, longest time.Duration) error {
	return syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, tcpUserTimeout, int(longest.Milliseconds()))
}
