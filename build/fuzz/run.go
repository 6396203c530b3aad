package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	// minimizeTries bounds how often one input is tried in a shorter form. By Go's default each input that fails, or
	// takes a new way, is worked on for a minute, so that a target with servers behind it does little else.
	minimizeTries = "100x"
	// slack is how much longer than its time a target may take: to run its corpus first, to start and end its
	// servers, and to make one failing input shorter, all on a busy machine.
	slack = 5 * time.Minute
	// endMax is how long a target that was told to end may take to do so.
	endMax = 20 * time.Second
	// tailMax bounds the lines that are shown of a target that failed.
	tailMax = 80
)

// builds makes one test program for each package, once.
type builds struct {
	folder string
	mu     sync.Mutex
	done   map[string]*build // by the package's path
}

type build struct {
	once    sync.Once
	program string
	err     error
}

// program is the test program of t's package, instrumented for fuzzing.
func (b *builds) program(ctx context.Context, t target) (string, error) {
	b.mu.Lock()
	made, ok := b.done[t.path]
	if !ok {
		made = &build{program: filepath.Join(b.folder, strconv.Itoa(len(b.done))+".test")}
		b.done[t.path] = made
	}
	b.mu.Unlock()
	made.once.Do(func() {
		out, err := exec.CommandContext(ctx, "go", "test", "-c", "-fuzz=Fuzz", "-o", made.program, t.path).CombinedOutput()
		if err != nil {
			made.err = fmt.Errorf("build its tests: %w\n%s", err, bytes.TrimSpace(out))
		}
	})
	return made.program, made.err
}

// cacheFolder is where go test -fuzz keeps what it learned.
func cacheFolder(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "env", "GOCACHE").Output()
	if err != nil {
		return "", fmt.Errorf("go env GOCACHE: %w", err)
	}
	return filepath.Join(strings.TrimSpace(string(out)), "fuzz"), nil
}

// fuzz fuzzes one target for a time, with one worker. It returns what to print of it.
func (t target) fuzz(ctx context.Context, b *builds, cache string, each time.Duration) (string, error) {
	program, err := b.program(ctx, t)
	if err != nil {
		return fmt.Sprintf("FAIL  %s", t), err
	}
	within, cancel := context.WithTimeoutCause(ctx, each+slack, fmt.Errorf("it still runs %s after its time: an input hangs", slack))
	defer cancel()
	cmd := exec.CommandContext(within, program, "-test.run=^$", "-test.fuzz=^"+t.name+"$", "-test.fuzztime="+each.String(),
		"-test.parallel=1", "-test.fuzzminimizetime="+minimizeTries, "-test.fuzzcachedir="+cache, "-test.paniconexit0")
	cmd.Dir = t.folder
	// The tests' servers are started, never skipped; one worker needs one processor and what starts it another.
	cmd.Env = append(os.Environ(), "CI=true", "GOMAXPROCS=2")
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = endMax
	out, err := cmd.CombinedOutput()
	if cause := context.Cause(within); cause != nil {
		err = errors.Join(cause, err)
	} else if timeWasUp(t, string(out)) {
		err = nil
	}
	if err != nil {
		return fmt.Sprintf("%s\nFAIL  %s%s", tail(string(out)), t, reproducer(t, string(out))), err
	}
	return fmt.Sprintf("ok    %s  %s", t, progress(string(out))), nil
}

// timeWasUp reports whether a target failed for no other reason than that its time was over, which go test says of a
// target now and then that was making an input shorter just then.
func timeWasUp(t target, out string) bool {
	only := "(?m)^--- FAIL: " + t.name + ` \([0-9.]+s\)\n\s+context deadline exceeded\nFAIL$`
	return !strings.Contains(out, "Failing input") && regexp.MustCompile(only).MatchString(out)
}

// reproducer names the file that holds the failing input, from what go test said.
func reproducer(t target, out string) string {
	found := regexp.MustCompile(`Failing input written to (\S+)`).FindStringSubmatch(out)
	if found == nil {
		return ""
	}
	return "\n      the input is kept in " + filepath.Join(t.folder, found[1]) +
		"\n      run it with: go test -run=" + t.name + "/" + filepath.Base(found[1]) + " " + t.path
}

// progress is the last that a target said of its work: how many inputs, and how many of them took a new way.
func progress(out string) string {
	found := regexp.MustCompile(`execs: (\d+) .*new interesting: (\d+) \(total: (\d+)\)`).FindAllStringSubmatch(out, -1)
	if len(found) == 0 {
		return "it did not say how far it came"
	}
	last := found[len(found)-1]
	return last[1] + " inputs, " + last[2] + " of them new ways through the code, " + last[3] + " in all"
}

// tail is the end of what a target said.
func tail(out string) string {
	lines := strings.Split(strings.TrimSpace(out), "\n")
	return strings.Join(lines[max(0, len(lines)-tailMax):], "\n")
}
