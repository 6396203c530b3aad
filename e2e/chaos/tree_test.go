package chaos_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"scrip/e2e/site"
)

// parts are what the program is made of.
func parts() []string { return []string{"go.mod", "go.sum", "api", "client", "cmd", "internal"} }

// edit replaces a text that stands in a file exactly once.
type edit struct{ file, old, new string }

// builds are the programs of this process, each built once.
var builds = struct {
	mu   sync.Mutex
	made map[string]string
}{made: map[string]string{}}

// program is the path of the program under test with these edits, under a name. The name with no edits is
// empty.
func program(t *testing.T, name string, edits ...edit) string {
	t.Helper()
	builds.mu.Lock()
	defer builds.mu.Unlock()
	if path, made := builds.made[name]; made {
		return path
	}
	path, err := buildTree(edits)
	if err != nil {
		t.Fatalf("build the program %q: %v", name, err)
	}
	builds.made[name] = path
	return path
}

// buildTree copies the module, edits the copy, turns its failpoints on and builds it. The module itself is
// only read: there the failpoints are comments.
func buildTree(edits []edit) (path string, err error) {
	dir, err := site.Folder("scrip-chaos-")
	if err != nil {
		return "", err
	}
	copied, err := os.OpenRoot(dir)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, copied.Close()) }()
	module, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		return "", err
	}
	var failing []string
	for _, part := range parts() {
		found, err := copyPart(copied, os.DirFS(module), part)
		if err != nil {
			return "", err
		}
		for _, folder := range found {
			failing = append(failing, filepath.Join(dir, folder))
		}
	}
	for _, e := range edits {
		if err := e.apply(dir); err != nil {
			return "", err
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "internal", "app", "moved.go"), []byte(movedSource), 0o600); err != nil {
		return "", err
	}
	slices.Sort(failing)
	enable := append([]string{"tool", "gofail", "enable"}, slices.Compact(failing)...)
	if err := run(module, "go", enable...); err != nil {
		return "", err
	}
	path = filepath.Join(dir, "scrip")
	return path, run(dir, "go", "build", "-trimpath", "-o", path, "./cmd/scrip")
}

// run runs a tool to its end.
func run(dir, tool string, args ...string) error {
	cmd := exec.Command(tool, args...) //nolint:noctx,gosec // Go's own tools; go test has its own time limit
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w\n%s", tool, strings.Join(args, " "), err, out)
	}
	return nil
}

// copyPart copies a file or a folder, without tests, and returns the folders that have failpoints.
func copyPart(to *os.Root, module fs.FS, part string) (failing []string, err error) {
	err = fs.WalkDir(module, part, func(path string, d fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist): // it was removed while the folder was read
			return nil
		case err != nil:
			return err
		case d.IsDir() && d.Name() == "testdata":
			return fs.SkipDir
		case d.IsDir():
			return to.MkdirAll(path, 0o700)
		case strings.HasSuffix(path, "_test.go"):
			return nil
		}
		text, err := fs.ReadFile(module, path)
		if err != nil {
			return err
		}
		if bytes.Contains(text, []byte("// gofail: ")) {
			failing = append(failing, filepath.Dir(path))
		}
		return to.WriteFile(path, text, 0o600)
	})
	return failing, err
}

// apply makes the edit in the copy.
func (e edit) apply(dir string) error {
	path := filepath.Join(dir, filepath.FromSlash(e.file))
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if n := strings.Count(string(text), e.old); n != 1 {
		return fmt.Errorf("%s has the text %d times, not once; the mutation must follow the code:\n%s", e.file, n, e.old)
	}
	return os.WriteFile(path, []byte(strings.Replace(string(text), e.old, e.new, 1)), 0o600)
}

// movedSource is the function that the failpoint in internal/app/clock.go calls. A machine's clock that is set
// moves what the wall shows and leaves the monotonic reading alone; time has no function for that, so the
// seconds are added where they stand in a Time that has both readings (bits 30 to 62 of its first word).
const movedSource = `package app

import (
	"strconv"
	"time"
	"unsafe"
)

func moved(t time.Time, seconds string) time.Time {
	n, _ := strconv.ParseInt(seconds, 10, 32)
	*(*uint64)(unsafe.Pointer(&t)) += uint64(n) << 30
	return t
}
`
