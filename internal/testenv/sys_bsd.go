//go:build unix && !linux

package testenv

import (
	"errors"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
)

// leader makes cmd the leader of a process group. There is no word of a parent's death here: PostgreSQL ends
// within a minute after its folder's keeper has removed its files, and Redis stays.
func leader(cmd *exec.Cmd, _ os.Signal) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setpgid = true
}

// children are the processes that pid has started and that still run.
func children(pid int) ([]int, error) {
	out, err := exec.Command("pgrep", "-P", strconv.Itoa(pid)).Output() //nolint:gosec,noctx // a number; it ends by itself
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == 1 {
		return nil, nil // none
	}
	if err != nil {
		return nil, err
	}
	var found []int
	for text := range strings.FieldsSeq(string(out)) {
		child, err := strconv.Atoi(text)
		if err != nil {
			return nil, err
		}
		found = append(found, child)
	}
	return found, nil
}
