package copying_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"

	"scrip/internal/store/copying"
)

// killsMin is how often a copy is killed before it is let run to its end.
const killsMin = 20

// TestKilled kills a copying process with SIGKILL, at any moment, and starts it again on what is left, until it was
// killed often enough. A copy that came to its end all the same is compared, and another one begun.
func TestKilled(t *testing.T) {
	t.Parallel()
	from := lived(t, 1500)
	want := records(t, from)
	for name, fresh := range places() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			to, kills := fresh(t), 0
			check := func() {
				if got := records(t, to); !slices.Equal(got, want) {
					t.Fatal("the copy tells something else")
				}
			}
			wait := 50 * time.Millisecond
			for kills < killsMin {
				if runChild(t, copyOf(t, from), to, 7, rand.N(wait)) { //nolint:gosec // a moment, not a secret
					kills++
					wait = min(wait*5/4, 500*time.Millisecond) // further each time, so that kills fall everywhere
					continue
				}
				check()
				to = fresh(t)
			}
			report := exact(t, copyOf(t, from), to, copying.Config{})
			t.Logf("after %d kills, %d of %d records were there", kills, report.Before, report.Records)
			check()
		})
	}
}

// copyOf is the same source in another file, for copies that go on at the same time.
func copyOf(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	copied := newFile(t)
	if err := os.WriteFile(copied, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return copied
}

// runChild copies in a process of its own, which is killed after a while from its first word, and reports whether it
// was still running then.
func runChild(t *testing.T, from, to string, batch int, wait time.Duration) (killed bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0]) //nolint:gosec // this test
	cmd.Env = append(os.Environ(), childFrom+"="+from, childTo+"="+to, fmt.Sprintf("%s=%d", childBatch, batch))
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var errs bytes.Buffer
	cmd.Stderr = &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatalf("%v: %s", err, errs.String())
	}
	time.Sleep(wait)
	_ = cmd.Process.Kill()
	err = cmd.Wait()
	if cmd.ProcessState.Exited() && err != nil {
		t.Fatalf("the copy failed by itself: %v: %s", err, errs.String())
	}
	return !cmd.ProcessState.Exited()
}
