//go:build !unix

package front_test

import (
	"os/exec"
	"syscall"
)

// group leaves cmd as it is where there are no groups of processes.
func group(*exec.Cmd) {}

// hangUp is a signal that does not exist there.
const hangUp = syscall.SIGHUP
