package testenv

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
)

// process is a child of this process, attended by one goroutine from its start to its end.
type process struct {
	cmd  *exec.Cmd
	done chan struct{} // closed once it has ended and cmd has its state
}

// startProcess starts cmd as the leader of a process group, to be sent death when this process ends.
func startProcess(cmd *exec.Cmd, death os.Signal) (*process, error) {
	p := &process{cmd: cmd, done: make(chan struct{})}
	leader(cmd, death)
	started := make(chan error, 1)
	go p.attend(started)
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", cmd.Path, err)
	}
	return p, nil
}

// attend starts the process and waits for its end, on a thread of its own: to the kernel, a child's parent
// is the thread that started it, and a thread that ends while its process lives would count as a death.
func (p *process) attend(started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := p.cmd.Start()
	started <- err
	if err != nil {
		return
	}
	_ = p.cmd.Wait() // the state says it all: how a server ends is its caller's doing
	close(p.done)
}

func (p *process) pid() int { return p.cmd.Process.Pid }

// running reports whether the process has not been seen to end.
func (p *process) running() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// end sends the signal, and SIGCONT in case the process is paused, and waits until it is gone, for stopMax at
// most.
func (p *process) end(ctx context.Context, s os.Signal) error {
	ctx, cancel := context.WithTimeout(ctx, stopMax)
	defer cancel()
	if p.running() {
		if err := wake(p.cmd.Process, s); err != nil && p.running() {
			return fmt.Errorf("signal %d with %v: %w", p.pid(), s, err)
		}
	}
	select {
	case <-p.done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for the end of %d after %v: %w", p.pid(), s, context.Cause(ctx))
	}
}
