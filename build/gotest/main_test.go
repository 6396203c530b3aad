package main

import (
	"strings"
	"testing"
)

// events is what go test -json prints of a package in which one test passes, one is skipped and one
// fails, and of another that does not build.
const events = `{"Action":"run","Package":"p","Test":"TestGood"}
{"Action":"output","Package":"p","Test":"TestGood","Output":"=== RUN   TestGood\n"}
{"Action":"pass","Package":"p","Test":"TestGood"}
{"Action":"output","Package":"p","Test":"TestIdle","Output":"    p_test.go:9: no tool\n"}
{"Action":"skip","Package":"p","Test":"TestIdle"}
{"Action":"output","Package":"p","Test":"TestBad","Output":"    p_test.go:12: got 1\n"}
{"Action":"fail","Package":"p","Test":"TestBad"}
{"Action":"output","Package":"p","Output":"FAIL\tp\t0.1s\n"}
{"Action":"fail","Package":"p"}
{"ImportPath":"q","Action":"build-output","Output":"q.go:1: no\n"}
{"Action":"output","Package":"q","Output":"FAIL\tq [build failed]\n"}
{"Action":"fail","Package":"q"}
`

func TestTallyCountsAndShowsWhatFailed(t *testing.T) {
	t.Parallel()
	var sum tally
	var out strings.Builder
	if err := sum.read(strings.NewReader(events), &out); err != nil {
		t.Fatal(err)
	}
	if got, want := sum.String(), "1 passed, 1 failed, 1 skipped"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if sum.verdict() == nil {
		t.Error("a failed test is a good verdict")
	}
	want := "skipped p.TestIdle: p_test.go:9: no tool\n" +
		"    p_test.go:12: got 1\n" +
		"FAIL\tp\t0.1s\n" +
		"q.go:1: no\n" +
		"FAIL\tq [build failed]\n"
	if got := out.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestVerdict(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		sum  tally
		good bool
	}{
		{"all passed", tally{passed: 3}, true},
		{"some skipped", tally{passed: 3, skipped: 1}, true},
		{"nothing ran", tally{}, false},
		{"all skipped", tally{skipped: 2}, false},
		{"a test failed", tally{passed: 3, failed: 1}, false},
		{"a package did not build", tally{passed: 3, packages: 1}, false},
	} {
		if got := c.sum.verdict() == nil; got != c.good {
			t.Errorf("%s: good is %v", c.name, got)
		}
	}
}
