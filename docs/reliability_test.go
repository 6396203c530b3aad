package docs_test

import (
	"io/fs"
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestReliabilityNamesTests holds the tests that the table of promises names to those that there are.
func TestReliabilityNamesTests(t *testing.T) {
	t.Parallel()
	declared := map[string]bool{}
	name := regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	module := os.DirFS("..")
	err := fs.WalkDir(module, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := fs.ReadFile(module, path)
		for _, found := range name.FindAllSubmatch(text, -1) {
			declared[string(found[1])] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile("`(Test\\w+)`").FindAllStringSubmatch(read(t, "reliability.md"), -1)
	if len(named) == 0 {
		t.Fatal("reliability.md names no test")
	}
	for _, found := range named {
		if !declared[found[1]] {
			t.Errorf("reliability.md names %s, and there is no such test", found[1])
		}
	}
}
