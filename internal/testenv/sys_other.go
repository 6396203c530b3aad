//go:build !unix

package testenv

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
)

// Servers are started on Unix systems only; elsewhere nothing but these constants and refusals is needed.
const (
	sigCrash = syscall.SIGKILL
	sigEnd   = syscall.SIGKILL
	sigKill  = syscall.SIGKILL
)

func ownGroup() *syscall.SysProcAttr { return nil }

func leader(*exec.Cmd, os.Signal) {}

func wake(p *os.Process, s os.Signal) error { return p.Signal(s) }

func pause(int) error { return errors.ErrUnsupported }

func resume(int) error { return errors.ErrUnsupported }

func unprivileged() (*owner, error) {
	return nil, fmt.Errorf("a Unix system: %w: tests start servers on those only", ErrMissing)
}

func runAs(*exec.Cmd, *owner) {}
