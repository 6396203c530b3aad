package cli_test

import (
	"path/filepath"
	"strings"
	"testing"
)

// What serve says to try next can be typed as it stands.
func TestWhatToTryNext(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "first-key")
	for _, c := range []struct {
		name  string
		until string
		args  []string
		key   []string // for the command
	}{
		{"open", "--limit 100", nil, nil},
		{"keyed", "or from --key-file.", []string{"--first-key-file", path}, []string{"--key-file", path}},
	} {
		url, said, stop := serve(t, c.until, append([]string{"--data", filepath.Join(dir, c.name)}, c.args...)...)
		_, command, found := strings.Cut(said, "Make a code with: scrip ")
		command, _, _ = strings.Cut(command, "\n")
		if !found || !strings.Contains(command, "--url "+url) || strings.Contains(said, "--key-file") != (c.key != nil) {
			t.Errorf("%s: %s", c.name, said)
		}
		if got := run(t, "", append(strings.Fields(command), c.key...)...); got.code != 0 || !strings.Contains(got.stdout, "Made the code CODE") {
			t.Errorf("%s: %s: %+v", c.name, command, got)
		}
		stop()
	}
	if _, said, _ := serve(t, "/codes/report", "--data", filepath.Join(dir, "demo"), "--demo"); strings.Contains(said, "code create") {
		t.Errorf("the demo code is there already: %s", said)
	}
}
