package testenv

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// find is the path of a program: the one on PATH, or the newest in the places where packages put it.
// Otherwise the error is ErrMissing and says what to install.
func find(program, hint string, places ...string) (string, error) {
	if path, err := exec.LookPath(program); err == nil {
		return filepath.Abs(path)
	}
	for _, place := range places {
		found, err := filepath.Glob(filepath.Join(place, program))
		if err != nil {
			return "", fmt.Errorf("look for %s in %s: %w", program, place, err)
		}
		slices.SortFunc(found, newestFirst)
		for _, path := range found {
			if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
				return path, nil
			}
		}
	}
	return "", fmt.Errorf("%s: %w: %s", program, ErrMissing, hint)
}

// newestFirst orders paths by the number in their folders' names: 15 and 9.6, where text would mislead.
func newestFirst(a, b string) int { return version(b) - version(a) }

// version is the first number in a path, or 0.
func version(path string) int {
	start := strings.IndexAny(path, "0123456789")
	if start < 0 {
		return 0
	}
	digits := path[start:]
	if end := strings.IndexFunc(digits, func(r rune) bool { return r < '0' || r > '9' }); end >= 0 {
		digits = digits[:end]
	}
	n, err := strconv.Atoi(digits)
	if err != nil {
		return 0
	}
	return n
}

// postgresBin is the folder of PostgreSQL's server programs. Debian keeps them off PATH, so that several
// versions can live side by side.
func postgresBin() (string, error) {
	path, err := find("initdb", "install PostgreSQL 15 or newer (Debian and Ubuntu: apt-get install postgresql)",
		"/usr/lib/postgresql/*/bin", // Debian, Ubuntu
		"/usr/pgsql-*/bin",          // RHEL and Fedora, PostgreSQL's own packages
		"/usr/libexec/postgresql*",  // Alpine
		"/opt/homebrew/opt/postgresql*/bin",
		"/usr/local/opt/postgresql*/bin",
		"/Library/PostgreSQL/*/bin",
		"/usr/local/pgsql/bin", // built from source
	)
	if err != nil {
		return "", err
	}
	// A link on PATH may be to this program alone.
	if path, err = filepath.EvalSymlinks(path); err != nil {
		return "", err
	}
	return filepath.Dir(path), nil
}

func redisServer() (string, error) {
	return find("redis-server", "install Redis 7 or newer (Debian and Ubuntu: apt-get install redis-server)",
		"/usr/bin", "/usr/local/bin", "/usr/sbin", "/opt/homebrew/bin", "/opt/homebrew/opt/redis*/bin")
}
