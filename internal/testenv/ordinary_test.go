package testenv_test

import (
	"os/exec"
	"testing"

	"scrip/internal/testenv"
)

// Whoever runs the tests, what Ordinary runs is bound by permission bits, and may write what is its own.
func TestOrdinary(t *testing.T) {
	t.Parallel()
	own := t.TempDir()
	for _, c := range []struct {
		script string
		ok     bool
	}{
		{`test "$(id -u)" != 0`, true}, {`touch "$0/new"`, true}, {`chmod 500 "$0"; touch "$0/other"`, false},
	} {
		cmd := exec.CommandContext(t.Context(), "sh", "-c", c.script, own) //nolint:gosec // our own scripts
		cmd.Dir = t.TempDir()
		testenv.Ordinary(t, cmd, own)
		if out, err := cmd.CombinedOutput(); (err == nil) != c.ok {
			t.Errorf("%s: %v: %s", c.script, err, out)
		}
	}
}
