// Package upgrade_test replaces servers of an older version by this one while a crowd uses them, and holds what
// was told to what is there: nothing is lost, nobody is refused, and `scrip verify` finds nothing wrong.
//
// The older version is built from the history of this repository. Where that is not there (a copy without .git, or
// a shallow clone) the tests are skipped, with a word about it.
package upgrade_test

import (
	"archive/tar"
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"scrip/client"
	"scrip/e2e/crowd"
	"scrip/e2e/site"
	"scrip/internal/testenv"
)

// program is the path of this version's program.
var program string

func TestMain(m *testing.M) {
	flag.Parse()
	if testing.Short() {
		fmt.Println("e2e/upgrade: skipped by -short")
		return
	}
	var err error
	if program, err = site.Build(); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	testenv.Main(m)
}

// The older version: the last before API keys and seals, whose schema is two steps old.
const (
	olderCommit = "dbae013b02418b7f1ecf16a99094c3885f0f3bb0"
	olderSchema = 2
)

// older is the program of the older version, built once.
var older = sync.OnceValues(buildOlder)

var errNoHistory = errors.New("the older version is not in this clone's history (it is no clone, or a shallow one): fetch all of it to run this test")

// git is a command on this repository, from its top: elsewhere an archive holds what is below.
func git(args ...string) *exec.Cmd {
	return exec.Command("git", append([]string{"-C", "../.."}, args...)...) //nolint:noctx,gosec // our own history, at once
}

func buildOlder() (string, error) {
	if out, err := git("cat-file", "-e", olderCommit+"^{tree}").CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w (%w: %s)", errNoHistory, err, bytes.TrimSpace(out))
	}
	tree, err := git("archive", "--format=tar", olderCommit).Output()
	if err != nil {
		return "", fmt.Errorf("git archive: %w", err)
	}
	dir, err := site.Folder("scrip-older-")
	if err != nil {
		return "", err
	}
	if err := unpack(tree, dir); err != nil {
		return "", err
	}
	path := filepath.Join(dir, "scrip-older")
	cmd := exec.Command("go", "build", "-o", path, "./cmd/scrip") //nolint:noctx,gosec // our own source; go test has its own time limit
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the older version: %w\n%s", err, out)
	}
	return path, nil
}

// unpack writes the files of an archive of ours into a folder.
func unpack(archive []byte, dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close() //nolint:errcheck // only a folder
	for files := tar.NewReader(bytes.NewReader(archive)); ; {
		h, err := files.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		switch h.Typeflag {
		case tar.TypeDir:
			err = root.MkdirAll(strings.TrimSuffix(h.Name, "/"), 0o700)
		case tar.TypeReg:
			var text []byte
			if text, err = io.ReadAll(files); err == nil {
				err = root.WriteFile(h.Name, text, 0o600)
			}
		}
		if err != nil {
			return err
		}
	}
}

// olderProgram is the older version's program; without it the test is skipped.
func olderProgram(t *testing.T) string {
	t.Helper()
	path, err := older()
	if errors.Is(err, errNoHistory) {
		fmt.Fprintf(os.Stderr, "%s is SKIPPED: %v\n", t.Name(), err)
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// The crowd: enough to be asking at any moment, and little enough for a small machine.
const (
	connections = 6
	pace        = 6 * time.Millisecond
	waitMax     = 2 * time.Minute // for whatever must come; it ends a hang
)

// start starts a server of a version, which ends with the test.
func start(t *testing.T, version, name string, args ...string) (*site.Server, crowd.Server) {
	t.Helper()
	listen := site.FreeAddress(t)
	s := &site.Server{
		Name: name, Program: version, Listen: listen, Dir: t.TempDir(),
		Args: append([]string{"serve", "--auth", "off", "--listen", listen, "--log-level", "warn", "--request-timeout", "60s"}, args...),
	}
	t.Cleanup(s.Kill)
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{MaxIdleConnsPerHost: connections}
	t.Cleanup(transport.CloseIdleConnections)
	c, err := client.New("http://"+listen, client.WithRetries(0), client.WithHTTPClient(&http.Client{Transport: transport}))
	if err != nil {
		t.Fatal(err)
	}
	return s, crowd.Server{Name: name, Client: c}
}

// run runs a command of a version to its end.
func run(t *testing.T, version string, args ...string) site.Ran {
	t.Helper()
	got, err := site.Run(t.Context(), version, t.TempDir(), args...)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// done runs a command that must succeed.
func done(t *testing.T, version string, args ...string) {
	t.Helper()
	if got := run(t, version, args...); got.Code != 0 {
		t.Fatalf("scrip %q exits with %d:\n%s%s", args, got.Code, got.Stdout, got.Stderr)
	}
}

// stop ends a server in order.
func stop(t *testing.T, s *site.Server) {
	t.Helper()
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
}

// until waits for what must come.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(waitMax); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("after %v still not: %s", waitMax, what)
		}
	}
}

// each waits until each of these servers has given so many more verdicts.
func each(t *testing.T, c *crowd.Crowd, verdicts int, servers ...crowd.Server) {
	t.Helper()
	for _, s := range servers {
		most := c.Answers(s.Name) + verdicts
		until(t, fmt.Sprintf("%d more verdicts of %s", verdicts, s.Name), func() bool { return c.Answers(s.Name) >= most })
	}
}

// nothingWrong fails the test with what the crowd has found.
func nothingWrong(t *testing.T, c *crowd.Crowd) {
	t.Helper()
	wrong := c.Wrong()
	for _, w := range wrong[:min(len(wrong), 10)] {
		t.Error(w)
	}
	if len(wrong) > 0 {
		t.Fatalf("%d things are wrong", len(wrong))
	}
}
