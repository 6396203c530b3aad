package site

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Bounds on waiting for a process. They end a hang, and measure nothing.
const (
	StartMax = 60 * time.Second
	StopMax  = 60 * time.Second
)

// Server is one process of the program that serves. It may be killed and started again, and comes back to
// its address. Start, Launch and Kill are for one goroutine at a time.
type Server struct {
	Name    string
	Program string
	Listen  string   // its own address
	Args    []string // all that follows the program's name
	Env     []string // beside Environment
	Dir     string   // where it runs
	Log     Transcript

	mu     sync.Mutex
	cmd    *exec.Cmd
	exited chan struct{} // closed when this life has ended
}

// ErrEnded is a server that has ended instead of serving.
var ErrEnded = errors.New("the server has ended")

// Start starts the server and waits until it says that it listens.
func (s *Server) Start() error {
	stdout, err := s.Launch()
	if err != nil {
		return err
	}
	exited := s.Exited()
	for end := time.Now().Add(StartMax); ; time.Sleep(2 * time.Millisecond) {
		if strings.Contains(stdout.String(), "listens on ") {
			return nil
		}
		select {
		case <-exited:
			return fmt.Errorf("%s: %w with %d:\n%s", s.Name, ErrEnded, s.ExitCode(), Tail(s.Log.String(), 20))
		default:
		}
		if time.Now().After(end) {
			return fmt.Errorf("%s is not up after %v:\n%s", s.Name, StartMax, Tail(s.Log.String(), 20))
		}
	}
}

// Launch starts the process without waiting for it, from a thread that lives as long as the process does: to
// the kernel a child's parent is that thread. It returns what the process will say.
func (s *Server) Launch() (stdout *Transcript, err error) {
	cmd := exec.Command(s.Program, s.Args...) //nolint:noctx,gosec // the program under test, ended by signals
	stdout = &Transcript{}
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = s.Dir, append(Environment(), s.Env...), stdout, &s.Log
	dieWithUs(cmd)
	exited := make(chan struct{})
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // the state says it all
		}
		close(exited)
	}()
	s.mu.Lock()
	s.cmd, s.exited = cmd, exited
	s.mu.Unlock()
	return stdout, <-started
}

// Exited is closed when the present life has ended; it is nil before the first.
func (s *Server) Exited() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.exited
}

// Running reports whether the process has not ended.
func (s *Server) Running() bool {
	exited := s.Exited()
	if exited == nil {
		return false
	}
	select {
	case <-exited:
		return false
	default:
		return true
	}
}

// ExitCode is that of the life that has ended.
func (s *Server) ExitCode() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cmd.ProcessState.ExitCode()
}

// Kill ends the server as a power cut would, paused or not, and waits until it is gone. It may have ended
// long ago.
func (s *Server) Kill() {
	s.mu.Lock()
	cmd, exited := s.cmd, s.exited
	s.mu.Unlock()
	if cmd == nil || cmd.Process == nil {
		return
	}
	_ = cmd.Process.Kill()
	<-exited
}

// Stop ends the server in order.
func (s *Server) Stop() error {
	if err := s.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case <-s.Exited():
		if code := s.ExitCode(); code != 0 {
			return fmt.Errorf("%s ended with %d:\n%s", s.Name, code, Tail(s.Log.String(), 20))
		}
		return nil
	case <-time.After(StopMax):
		return fmt.Errorf("%s has not ended after %v:\n%s", s.Name, StopMax, Tail(s.Log.String(), 20))
	}
}

// Signal sends the process a signal.
func (s *Server) Signal(sig os.Signal) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.cmd.Process.Signal(sig); err != nil {
		return fmt.Errorf("%s: %w", s.Name, err)
	}
	return nil
}
