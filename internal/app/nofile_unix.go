//go:build unix

package app

import "syscall"

// openFiles is how many files the process may have open, as far as the system tells. Go has raised the soft limit to
// the hard one as the process began.
func openFiles() uint64 {
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) != nil {
		return 0
	}
	return uint64(limit.Cur) //nolint:unconvert // signed on some systems, where it is no less than zero
}
