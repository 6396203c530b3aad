//go:build unix

package testenv

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"syscall"
)

// The signals that servers understand.
const (
	sigCrash = syscall.SIGQUIT // PostgreSQL: end at once, as in a crash; its children too
	sigEnd   = syscall.SIGINT  // PostgreSQL: end the sessions and shut down
	sigKill  = syscall.SIGKILL
)

func ownGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// wake sends s, and lets a process that is paused go on to take it.
func wake(p *os.Process, s os.Signal) error {
	err := errors.Join(p.Signal(s), resume(p.Pid))
	if errors.Is(err, os.ErrProcessDone) {
		return nil
	}
	return err
}

// pause stops the process and all its children. The parent comes first, so that no new ones appear for long.
func pause(pid int) error {
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		return fmt.Errorf("pause %d: %w", pid, err)
	}
	stopped := map[int]bool{}
	for {
		found, err := children(pid)
		if err != nil {
			return err
		}
		fresh := false
		for _, child := range found {
			if !stopped[child] {
				stopped[child], fresh = true, true
				if err := syscall.Kill(child, syscall.SIGSTOP); err != nil && !errors.Is(err, syscall.ESRCH) {
					return fmt.Errorf("pause %d: %w", child, err)
				}
			}
		}
		if !fresh {
			return nil
		}
	}
}

// resume is the reverse of pause.
func resume(pid int) error {
	found, err := children(pid)
	if err != nil {
		return err
	}
	for _, child := range append(found, pid) {
		if err := syscall.Kill(child, syscall.SIGCONT); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("resume %d: %w", child, err)
		}
	}
	return nil
}

// unprivileged is whom a server that refuses root runs as: nil, for oneself, where we are not root.
func unprivileged() (*owner, error) {
	if os.Geteuid() != 0 {
		return nil, nil //nolint:nilnil // oneself is the usual case, and no error
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err := strconv.ParseUint(u.Uid, 10, 32)
		if err != nil {
			return nil, fmt.Errorf("user %s: %w", name, err)
		}
		gid, err := strconv.ParseUint(u.Gid, 10, 32)
		if err != nil {
			return nil, fmt.Errorf("user %s: %w", name, err)
		}
		return &owner{uid: uint32(uid), gid: uint32(gid)}, nil
	}
	return nil, errors.New("PostgreSQL refuses to run as root, and there is no user postgres or nobody to run it as")
}

// runAs makes cmd run as o, or as oneself where that is nil.
func runAs(cmd *exec.Cmd, o *owner) {
	if o != nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: o.uid, Gid: o.gid}}
	}
}
