package testenv_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"scrip/internal/testenv"
)

func TestFind(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{"pg-9.6/tool", "pg-15/tool", "pg-100/other"} {
		path := filepath.Join(dir, name)
		must(t, os.MkdirAll(filepath.Dir(path), 0o700))
		must(t, os.WriteFile(path, nil, 0o700)) //nolint:gosec // it must look like a program
	}
	must(t, os.MkdirAll(filepath.Join(dir, "pg-16", "tool"), 0o700)) // a folder is no program
	got, err := testenv.Find("tool", "install it", filepath.Join(dir, "absent"), filepath.Join(dir, "pg-*"))
	if want := filepath.Join(dir, "pg-15", "tool"); err != nil || got != want {
		t.Errorf("found %q, %v; want %q", got, err, want)
	}
	_, err = testenv.Find("tool", "install it", filepath.Join(dir, "absent"))
	if !errors.Is(err, testenv.ErrMissing) || err.Error() != "tool: not installed: install it" {
		t.Errorf("nothing to be found: %v", err)
	}
}

func TestNewestFirst(t *testing.T) {
	t.Parallel()
	got := []string{"/usr/lib/postgresql/9.6/bin", "/usr/lib/postgresql/15/bin", "/usr/lib/x/bin", "/usr/lib/postgresql/17/bin"}
	want := []string{got[3], got[1], got[0], got[2]}
	if slices.SortFunc(got, testenv.NewestFirst); !slices.Equal(got, want) {
		t.Errorf("sorted %q, want %q", got, want)
	}
}

const missingVariable = "SCRIP_TESTENV_MISSING"

// A test whose servers are missing is skipped and says so on stderr, and fails where CI is set.
func TestMissing(t *testing.T) {
	t.Parallel()
	if os.Getenv(missingVariable) != "" {
		_, err := testenv.Find("no-such-program", "install it")
		testenv.Have(t, err)
		t.Fatal("the test went on")
	}
	for _, c := range []struct {
		ci, want string
		ok       bool
	}{
		{ci: "", want: "testenv: tests are SKIPPED: no-such-program: not installed: install it", ok: true},
		{ci: "true", want: "--- FAIL: TestMissing", ok: false},
	} {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestMissing$", "-test.v") //nolint:gosec // this very program
		cmd.Env = append(os.Environ(), missingVariable+"=1", "CI="+c.ci)
		out, err := cmd.CombinedOutput()
		if (err == nil) != c.ok || !strings.Contains(string(out), c.want) {
			t.Errorf("CI=%q: %v; it said:\n%s", c.ci, err, out)
		}
		if skipped := strings.Contains(string(out), "--- SKIP: TestMissing"); skipped != c.ok {
			t.Errorf("CI=%q: skipped is %t; it said:\n%s", c.ci, skipped, out)
		}
	}
}
