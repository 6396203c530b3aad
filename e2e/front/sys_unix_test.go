//go:build unix

package front_test

import (
	"os/exec"
	"syscall"
)

// group ends cmd together with all that it started.
func group(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}

// hangUp is how an operator asks for the certificate to be read again.
const hangUp = syscall.SIGHUP
