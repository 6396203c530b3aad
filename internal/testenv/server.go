package testenv

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// Reasons to try again: another port, and in a moment.
var (
	errPortTaken = errors.New("its port was taken meanwhile")
	errLingers   = errors.New("its former processes have not all ended")
)

const launchTries = 10 // ports that somebody else may take between our look and the server's

// server is what PostgreSQL and Redis have in common: a folder, a port, a log, and a process that comes and
// goes. Its methods may be called by several goroutines.
type server struct {
	name    string
	folder  *folder
	command func(port int) (*exec.Cmd, error) // also writes the server's configuration
	ready   func(s *server, from int64) bool  // the process accepts; from is where its part of the log begins
	crash   os.Signal                         // what Kill sends, and the kernel when this process ends
	end     os.Signal                         // what Stop sends first

	mu      sync.Mutex
	port    int
	proc    *process // nil before the first start
	stopped bool
}

// launch starts the server for the first time, on the port, or on a free one where that is 0. Where it fails,
// nothing of it is left.
func (s *server) launch(ctx context.Context, port int) error {
	var err error
	for range launchTries {
		s.port = port
		if port == 0 {
			if s.port, err = freePort(ctx); err != nil {
				break
			}
		}
		if err = s.Start(ctx); port != 0 || !errors.Is(err, errPortTaken) {
			break
		}
	}
	if err != nil {
		return errors.Join(err, s.stop(context.WithoutCancel(ctx)))
	}
	return nil
}

// Start starts the server again after Kill, on the same data and the same port, and waits until it accepts.
func (s *server) Start(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.stopped:
		return fmt.Errorf("start %s: it was stopped, and its data is gone", s.name)
	case s.proc != nil && s.proc.running():
		return fmt.Errorf("start %s: it runs", s.name)
	}
	ctx, cancel := context.WithTimeout(ctx, startMax)
	defer cancel()
	for {
		err := s.once(ctx)
		if !errors.Is(err, errLingers) {
			return err
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return err
		}
	}
}

// once starts the process and waits until it accepts. Where it does not, it is gone again.
func (s *server) once(ctx context.Context) error {
	from, err := s.spawn()
	if err != nil {
		return err
	}
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for !s.ready(s, from) {
		select {
		case <-tick.C:
		case <-s.proc.done:
			return s.failure(from)
		case <-ctx.Done():
			err := fmt.Errorf("start %s: it accepts nobody: %w; its log:\n%s", s.name, context.Cause(ctx), s.logFrom(from))
			return errors.Join(err, s.proc.end(context.WithoutCancel(ctx), s.crash))
		}
	}
	return nil
}

// spawn starts the process and returns where its part of the log begins.
func (s *server) spawn() (from int64, err error) {
	cmd, err := s.command(s.port)
	if err != nil {
		return 0, fmt.Errorf("start %s: %w", s.name, err)
	}
	log, err := os.OpenFile(s.logPath(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	info, err := log.Stat()
	if err != nil {
		return 0, err
	}
	cmd.Stdout, cmd.Stderr = log, log
	p, err := startProcess(cmd, s.crash)
	if err != nil {
		return 0, err
	}
	s.proc = p
	return info.Size(), nil
}

// failure says why the process ended instead of accepting.
func (s *server) failure(from int64) error {
	said := s.logFrom(from)
	err := fmt.Errorf("start %s on port %d: it ended (%v); its log:\n%s", s.name, s.port, s.proc.cmd.ProcessState, said)
	switch {
	case strings.Contains(said, "Address already in use"):
		return errors.Join(errPortTaken, err)
	case strings.Contains(said, "pre-existing shared memory block"):
		return errors.Join(errLingers, err)
	default:
		return err
	}
}

// Kill ends the server as a crash does, whether it is paused or not, and waits until it is gone. What it had
// written stays for Start.
func (s *server) Kill(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.proc == nil {
		return nil
	}
	return s.proc.end(ctx, s.crash)
}

// Stop ends the server and removes its files. Stopped again, it does nothing.
func (s *server) Stop() error {
	return s.stop(context.Background()) //nolint:forbidigo // it is called when the test, and its context, has ended
}

func (s *server) stop(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return nil
	}
	s.stopped = true
	var err error
	if s.proc != nil {
		for _, signal := range []os.Signal{s.end, s.crash, sigKill} {
			if err = s.proc.end(ctx, signal); err == nil {
				break
			}
		}
	}
	return errors.Join(err, s.folder.remove())
}

// Pause stops all the server's processes in their tracks, as an overloaded host would; Resume lets them go on.
func (s *server) Pause() error { return s.withPid(pause) }

// Resume lets a paused server go on.
func (s *server) Resume() error { return s.withPid(resume) }

func (s *server) withPid(do func(pid int) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.proc == nil || !s.proc.running() {
		return fmt.Errorf("%s does not run", s.name)
	}
	return do(s.proc.pid())
}

// Pid is the id of the server's (first) process, also when it has ended.
func (s *server) Pid() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.proc == nil {
		return 0
	}
	return s.proc.pid()
}

// Addr is host:port; it stays the same for as long as the server is not stopped.
func (s *server) Addr() string { return address(s.port) }

// Log is the end of the server's log, 64 KiB at most.
func (s *server) Log() string {
	const tail = 64 << 10
	info, err := os.Stat(s.logPath())
	if err != nil {
		return ""
	}
	return s.logFrom(max(0, info.Size()-tail))
}

func (s *server) logPath() string { return filepath.Join(s.folder.path, "log") }

// logFrom is the log from an offset on; what cannot be read is empty.
func (s *server) logFrom(offset int64) string {
	f, err := os.Open(s.logPath())
	if err != nil {
		return ""
	}
	defer f.Close() //nolint:errcheck // only read
	text, err := io.ReadAll(io.NewSectionReader(f, offset, 1<<20))
	if err != nil {
		return ""
	}
	return string(text)
}
