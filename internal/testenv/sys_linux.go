package testenv

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// leader makes cmd the leader of a process group, and has the kernel send it death when its parent ends.
func leader(cmd *exec.Cmd, death os.Signal) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setpgid = true
	if s, ok := death.(syscall.Signal); ok {
		cmd.SysProcAttr.Pdeathsig = s
	}
}

// children are the processes that pid has started and that still run.
func children(pid int) ([]int, error) {
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil, err
	}
	var found []int
	for _, path := range stats {
		stat, err := os.ReadFile(path) //nolint:gosec // a file of the kernel's
		if errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ESRCH) {
			continue // it has ended meanwhile
		}
		if err != nil {
			return nil, err
		}
		child, parent, err := parseStat(string(stat))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		if parent == pid {
			found = append(found, child)
		}
	}
	return found, nil
}

// parseStat reads a process's id and its parent's from "pid (name) state parent …". The name may hold
// spaces and parentheses.
func parseStat(stat string) (pid, parent int, err error) {
	head, _, _ := strings.Cut(stat, " ")
	fields := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:])
	if len(fields) < 2 {
		return 0, 0, fmt.Errorf("no state and parent in %q", stat)
	}
	pid, err = strconv.Atoi(head)
	if err == nil {
		parent, err = strconv.Atoi(fields[1])
	}
	return pid, parent, err
}
