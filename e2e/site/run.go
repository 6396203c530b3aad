package site

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// Environment is what every program gets: nothing of ours but the path.
func Environment() []string {
	return []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.TempDir()}
}

// Ran is what a command did.
type Ran struct {
	Code           int
	Stdout, Stderr string
}

const runMax = 5 * time.Minute // it ends a hang

// Run runs a command of the program to its end, in a folder.
func Run(ctx context.Context, program, dir string, args ...string) (Ran, error) {
	ctx, cancel := context.WithTimeout(ctx, runMax)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...) //nolint:gosec // the program under test
	var out, errs bytes.Buffer
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = dir, Environment(), &out, &errs
	err := cmd.Run()
	if _, ended := errors.AsType[*exec.ExitError](err); err != nil && !ended {
		return Ran{}, fmt.Errorf("scrip %q: %w", args, err)
	}
	return Ran{cmd.ProcessState.ExitCode(), out.String(), errs.String()}, nil
}

// Transcript keeps the end of what a process says, readable while it speaks.
type Transcript struct {
	mu   sync.Mutex
	text bytes.Buffer
}

const transcriptMax = 4 << 20

// Write appends, and forgets the first half of what has become too much.
func (s *Transcript) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.text.Len() > transcriptMax {
		s.text.Next(s.text.Len() / 2)
	}
	return s.text.Write(p)
}

// String is what it keeps.
func (s *Transcript) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// Tail is the last lines of a log, the long ones cut.
func Tail(log string, lines int) string {
	const long = 400
	all := strings.Split(strings.TrimRight(log, "\n"), "\n")
	all = all[max(0, len(all)-lines):]
	for i, line := range all {
		if len(line) > long {
			all[i] = line[:long] + " …"
		}
	}
	return strings.Join(all, "\n")
}
