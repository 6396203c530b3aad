// Command gotest runs "go test", shows each package's closing line and the output of what failed, and
// ends with one line that counts: "N passed, M failed". Several lists of arguments, separated by "--",
// are several runs of go test with one count:
//
//	go run ./build/gotest ./... -- -race ./internal/groupcommit
//
// It promises to fail whenever a run of go test fails, a package does not build, or no test ran at all.
// A subtest counts as a test of its own.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strings"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	var t tally
	err := t.runAll(ctx, os.Stdout, os.Args[1:])
	fmt.Fprintln(os.Stdout, t.String())
	if err == nil {
		err = t.verdict()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "gotest:", err)
		stop()
		os.Exit(1) //nolint:gocritic // stop has run
	}
}

// event is one line of "go test -json" (go doc test2json), or of the build that precedes it.
type event struct {
	Action     string
	Package    string
	ImportPath string // of a build, instead of Package
	Test       string
	Output     string
}

// tally counts the tests of all runs.
type tally struct {
	passed, failed, skipped int
	packages                int // that failed
}

// String is the closing line.
func (t *tally) String() string {
	s := fmt.Sprintf("%d passed, %d failed", t.passed, t.failed)
	if t.skipped > 0 {
		s += fmt.Sprintf(", %d skipped", t.skipped)
	}
	return s
}

// verdict is nil if there were tests and everything passed.
func (t *tally) verdict() error {
	switch {
	case t.failed > 0 || t.packages > 0:
		return fmt.Errorf("%d tests failed in %d packages", t.failed, t.packages)
	case t.passed == 0:
		return errors.New("no test ran")
	default:
		return nil
	}
}

// runAll runs go test once for each list of arguments. A run that fails does not stop the next: one
// look shows all that is wrong.
func (t *tally) runAll(ctx context.Context, w io.Writer, args []string) error {
	var failed error
	for len(args) > 0 {
		list := args
		end := slices.Index(args, "--")
		if end < 0 {
			args = nil
		} else {
			list, args = args[:end], args[end+1:]
		}
		if err := t.run(ctx, w, list); err != nil {
			failed = errors.Join(failed, fmt.Errorf("go test %s: %w", strings.Join(list, " "), err))
		}
	}
	return failed
}

// run runs go test once.
func (t *tally) run(ctx context.Context, w io.Writer, args []string) error {
	fmt.Fprintln(w, "# go test", strings.Join(args, " "))
	cmd := exec.CommandContext(ctx, "go", append([]string{"test", "-json"}, args...)...)
	cmd.Stderr = os.Stderr
	events, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	read := t.read(events, w)
	return errors.Join(read, cmd.Wait())
}

// read follows one run's events to their end.
func (t *tally) read(events io.Reader, w io.Writer) error {
	outputs := map[string][]string{} // by package and test, until its end is known
	lines := bufio.NewReader(events)
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) > 0 {
			var e event
			if json.Unmarshal(line, &e) != nil {
				fmt.Fprintf(w, "%s", line) // go test's own complaint
			} else {
				t.take(e, outputs, w)
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read go test's events: %w", err)
		}
	}
}

// take counts one event and prints what is worth printing.
func (t *tally) take(e event, outputs map[string][]string, w io.Writer) {
	name := e.Package + " " + e.Test
	switch e.Action {
	case "output":
		if e.Test == "" && closing(e.Output) {
			fmt.Fprint(w, e.Output)
			return
		}
		outputs[name] = append(outputs[name], e.Output)
		return
	case "build-output":
		fmt.Fprint(w, e.Output)
		return
	case "fail":
		fmt.Fprint(w, strings.Join(outputs[name], ""))
		if e.Test == "" {
			t.packages++
		} else {
			t.failed++
		}
	case "pass":
		if e.Test != "" {
			t.passed++
		}
	case "skip":
		if e.Test != "" {
			t.skipped++
			fmt.Fprintf(w, "skipped %s.%s%s\n", e.Package, e.Test, reason(outputs[name]))
		}
	default:
		return
	}
	delete(outputs, name)
}

// closing reports whether a package's own output is go test's closing line about it.
func closing(output string) bool {
	return strings.HasPrefix(output, "ok ") || strings.HasPrefix(output, "FAIL\t") || strings.HasPrefix(output, "?   ")
}

// reason is what a skipped test said, without go test's own lines about it.
func reason(output []string) string {
	var said strings.Builder
	for _, line := range output {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "=== ") && !strings.HasPrefix(line, "--- ") {
			said.WriteString(": " + line)
		}
	}
	return said.String()
}
