package testenv

import (
	"errors"
	"testing"
)

// Browser is the path of a Chromium or a Chrome, which a test runs by itself, headless and with a folder of its
// own.
func Browser(tb testing.TB) string {
	tb.Helper()
	path, err := browser()
	have(tb, err)
	return path
}

func browser() (string, error) {
	const hint = "install Chromium (Debian: apt-get install chromium)"
	var missing error
	for _, program := range []string{"chromium", "chromium-browser", "google-chrome"} {
		path, err := find(program, hint, "/usr/bin", "/usr/local/bin", "/snap/bin", "/opt/google/chrome")
		if err == nil || !errors.Is(err, ErrMissing) {
			return path, err
		}
		missing = err
	}
	return "", missing
}
