package testenv

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// folder is a temporary folder that is removed also when this process is killed: a shell waits for the end
// of its input, which comes when the process that holds the other end of the pipe is gone.
type folder struct {
	path   string
	keeper *exec.Cmd
	hold   io.Closer
}

// The keeper tries for as long as a dying server may still write: PostgreSQL gives its processes five seconds.
const keeperScript = `read -r _; n=0; until rm -rf -- "$1" 2>/dev/null || [ $n -ge 30 ]; do n=$((n+1)); sleep 1; done`

// newFolder makes a folder in parent, which is the system's temporary folder where it is empty.
func newFolder(parent string) (*folder, error) {
	path, err := os.MkdirTemp(parent, "scrip-testenv-")
	if err != nil {
		return nil, err
	}
	if path, err = filepath.Abs(path); err != nil {
		return nil, err
	}
	f := &folder{path: path, keeper: exec.Command("sh", "-c", keeperScript, "sh", path)} //nolint:gosec,noctx // our own script; it ends with its input
	f.keeper.SysProcAttr = ownGroup()                                                    // what ends this process's group must not end the keeper
	f.hold, err = f.keeper.StdinPipe()
	if err == nil {
		err = f.keeper.Start()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start the keeper of %s: %w", path, err), os.RemoveAll(path))
	}
	return f, nil
}

// remove removes the folder. No server may run in it any more.
func (f *folder) remove() error {
	return errors.Join(os.RemoveAll(f.path), f.hold.Close(), f.keeper.Wait())
}

// openTo lets any user pass through the folder, to files whose names and rights are known. What encloses it
// is opened as well where it is ours and temporary, as a test's own folder is.
func openTo(path string) error {
	temporary, err := filepath.Abs(os.TempDir())
	if err != nil {
		return err
	}
	for dir, own := path, true; ; dir, own = filepath.Dir(dir), false {
		info, err := os.Stat(dir)
		if err != nil {
			return err
		}
		if info.Mode()&0o001 == 0 {
			if !own && !strings.HasPrefix(dir, temporary+string(filepath.Separator)) {
				return fmt.Errorf("%s is closed to other users, and PostgreSQL refuses to run as root: choose a folder that any user may enter", dir)
			}
			if err := os.Chmod(dir, info.Mode().Perm()|0o011); err != nil {
				return err
			}
		}
		if dir == filepath.Dir(dir) {
			return nil
		}
	}
}
