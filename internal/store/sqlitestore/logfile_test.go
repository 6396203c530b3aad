package sqlitestore_test

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"scrip/internal/store/sqlitestore"
)

// The log has room ahead of the first commit, and what is there of zeros is no frame: a file that crashed with it opens.
func TestTheLogIsGrownAhead(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), sqlitestore.FileName)
	s := openFew(t, path, time.Now, 0)
	info, err := os.Stat(path + "-wal")
	if err != nil || info.Size() < 8<<20 {
		t.Fatalf("the log has %d bytes, %v", info.Size(), err)
	}
	pays(t, s, stranger(1))
	sound(t, openFew(t, crashed(t, path), time.Now, 0))
	sound(t, s)
}

// Where there is no room for that, the store goes on, and says so once.
func TestTheLogThatCannotGrow(t *testing.T) {
	t.Parallel()
	var said bytes.Buffer
	path := filepath.Join(t.TempDir(), "log")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := sqlitestore.MakeRoom(t.Context(), path, slog.New(slog.NewTextHandler(&said, nil))); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(said.String(), "can't grow ahead"); n != 1 {
		t.Errorf("it says so %d times:\n%s", n, said.String())
	}
}
