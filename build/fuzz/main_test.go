package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// module writes a module with one package, and makes it the working directory.
func module(t *testing.T, test string) {
	t.Helper()
	folder := t.TempDir()
	for name, text := range map[string]string{
		"go.mod": "module example\n\ngo 1.26\n", "p/p.go": "package p\n", "p/p_test.go": test,
	} {
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(folder)
}

const threeTargets = `package p

import "testing"

func FuzzGood(f *testing.F) { f.Fuzz(func(*testing.T, []byte) {}) }

func FuzzBad(f *testing.F) {
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 3 {
			t.Error("too long")
		}
	})
}

func Fuzz(f *testing.F) { f.Fuzz(func(*testing.T, string) {}) }

func (fuzzer) FuzzIt(*testing.F) {}

type fuzzer struct{}
`

func TestFindsTheTargets(t *testing.T) {
	module(t, threeTargets)
	var out strings.Builder
	if err := run(t.Context(), &out, []string{"-list"}); err != nil {
		t.Fatal(err)
	}
	if got, want := out.String(), "example/p Fuzz\nexample/p FuzzBad\nexample/p FuzzGood\n"; got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if err := run(t.Context(), &out, []string{"-list", "-run", "Nobody"}); err == nil {
		t.Error("no target is no failure")
	}
}

// A target that finds an input that fails is a failure, which names the file; and the others run all the same.
func TestFailsOnWhatIsFound(t *testing.T) {
	module(t, threeTargets)
	var out strings.Builder
	err := run(t.Context(), &out, []string{"-time", "30s", "-side", "2", "-run", "FuzzBad"})
	if err == nil || !strings.Contains(err.Error(), "example/p FuzzBad") {
		t.Errorf("%v", err)
	}
	kept, globErr := filepath.Glob("p/testdata/fuzz/FuzzBad/*")
	if globErr != nil || len(kept) != 1 || !strings.Contains(out.String(), kept[0]) || !strings.Contains(out.String(), "too long") {
		t.Errorf("%q is kept, %v, and this is said:\n%s", kept, globErr, &out)
	}
	out.Reset()
	if err := run(t.Context(), &out, []string{"-time", "1s", "-run", "FuzzGood"}); err != nil || !strings.Contains(out.String(), "ok    example/p FuzzGood") {
		t.Errorf("%v\n%s", err, &out)
	}
}

func TestFailsOnWhatDoesNotBuild(t *testing.T) {
	module(t, strings.Replace(threeTargets, "len(b)", "lem(b)", 1))
	var out strings.Builder
	if err := run(t.Context(), &out, []string{"-time", "1s"}); err == nil || !strings.Contains(err.Error(), "lem") {
		t.Errorf("%v\n%s", err, &out)
	}
}

func TestTimeWasUp(t *testing.T) {
	t.Parallel()
	up := "fuzz: elapsed: 9s, execs: 33\n--- FAIL: FuzzBad (9.11s)\n    context deadline exceeded\nFAIL\n"
	bad := target{name: "FuzzBad"}
	for text, want := range map[string]bool{
		up:          true,
		up + "PASS": true,
		strings.Replace(up, "FuzzBad", "FuzzGood", 1):                        false,
		strings.Replace(up, "context deadline", "    p_test.go:1: no", 1):    false,
		up + "    Failing input written to testdata/fuzz/FuzzBad/1f\nFAIL\n": false,
		"": false,
	} {
		if got := timeWasUp(bad, text); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	p, err := parse([]string{"-time", "10m", "-side", "3", "./a", "./b"})
	if err != nil || p.each != 10*time.Minute || p.side != 3 || strings.Join(p.packages, " ") != "./a ./b" {
		t.Errorf("%+v, %v", p, err)
	}
	for _, bad := range [][]string{{"-time", "0s"}, {"-side", "0"}, {"-run", "("}} {
		if _, err := parse(bad); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}
