package testenv

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Ordinary makes cmd run as a user whom permission bits bind: oneself, or where we are root, the one that PostgreSQL is run
// as. The folders and files in own are then that user's; the way to them, to the program and to the folder that it
// runs in is opened.
func Ordinary(tb testing.TB, cmd *exec.Cmd, own ...string) {
	tb.Helper()
	as, err := unprivileged()
	have(tb, err)
	if as == nil {
		return
	}
	for _, path := range own {
		if err := os.Chown(path, int(as.uid), int(as.gid)); err != nil {
			tb.Fatal(fmt.Errorf("give %s away: %w", path, err))
		}
	}
	for _, path := range append([]string{cmd.Path, cmd.Dir}, own...) {
		if err := openTo(filepath.Dir(path)); err != nil {
			tb.Fatal(err)
		}
	}
	runAs(cmd, as)
}
