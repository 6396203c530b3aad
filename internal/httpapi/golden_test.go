package httpapi_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

// step is one request of a conversation. {vch_1} in its path or body stands for the first voucher id that
// any answer has shown, and so on.
type step struct {
	method, path, body string
	headers            []string
}

func post(path, body string, headers ...string) step {
	return step{"POST", path, body, append(headers, asJSON)}
}
func patch(path, body string) step { return step{"PATCH", path, body, []string{asJSON}} }
func get(path string) step         { return step{"GET", path, "", nil} }

// form is what curl -d sends.
func form(path, body string, headers ...string) step {
	return step{"POST", path, body, append(headers, "Content-Type: application/x-www-form-urlencoded")}
}

// names gives ids and times names, in the order of their appearance.
type names struct {
	named map[string]string
	count map[string]int
}

var (
	idPattern   = regexp.MustCompile(`\b(rdm|rbk|vch|cmp|txn|req|key|evt)_[0-9a-z]{26}\b`)
	timePattern = regexp.MustCompile(`"2026-03-2[01]T12:[0-9:.]+Z"`)
	keyPattern  = regexp.MustCompile(`"secret":"([sp]k_)[0-9a-z]{58}"`)
	tailPattern = regexp.MustCompile(`"tail":"[0-9a-z]{4}"`)
	codePattern = regexp.MustCompile(`"code":"[0-9A-HJKMNP-TV-Z]{12}"`)
)

func (n *names) hide(text string) string {
	text = idPattern.ReplaceAllStringFunc(text, func(id string) string {
		kind := id[:3]
		if kind == "req" {
			return "req_*"
		}
		if n.named[id] == "" {
			n.count[kind]++
			n.named[id] = fmt.Sprintf("%s_%d", kind, n.count[kind])
		}
		return n.named[id]
	})
	text = keyPattern.ReplaceAllString(text, `"secret":"$1(secret)"`)
	text = tailPattern.ReplaceAllString(text, `"tail":"(tail)"`)
	text = codePattern.ReplaceAllString(text, `"code":"(generated)"`)
	return timePattern.ReplaceAllString(text, `"(now)"`)
}

func (n *names) show(text string) string {
	for id, name := range n.named {
		text = strings.ReplaceAll(text, "{"+name+"}", id)
	}
	return text
}

// talk holds a conversation with a fresh server on each store, and compares its transcript with the golden
// one: a client can't tell the stores apart.
func talk(t *testing.T, file string, steps []step) {
	t.Helper()
	t.Run("memstore", func(t *testing.T) {
		t.Parallel()
		golden(t, file, transcript(setup(t), steps))
	})
	t.Run("sqlitestore", func(t *testing.T) {
		t.Parallel()
		golden(t, file, transcript(setupFile(t), steps))
	})
}

func transcript(b *bundle, steps []step) string {
	b.tb.Helper()
	n := &names{named: map[string]string{}, count: map[string]int{}}
	var out strings.Builder
	for _, s := range steps {
		r := b.do(s.method, n.show(s.path), n.show(s.body), s.headers...)
		fmt.Fprintf(&out, "> %s %s\n", s.method, s.path)
		for _, h := range s.headers {
			if h != asJSON {
				fmt.Fprintf(&out, "> %s\n", h)
			}
		}
		if s.body != "" {
			fmt.Fprintf(&out, "> %s\n", s.body)
		}
		fmt.Fprintf(&out, "< %d %s\n", r.status, r.header.Get("Content-Type"))
		for _, h := range []string{"Allow", "Idempotent-Replayed", "Retry-After"} {
			if v := r.header.Get(h); v != "" {
				fmt.Fprintf(&out, "< %s: %s\n", h, v)
			}
		}
		fmt.Fprintf(&out, "< %s\n\n", n.hide(strings.ReplaceAll(r.body, strings.TrimPrefix(b.url, "http://"), "(host)")))
	}
	return out.String()
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	path := filepath.Join("testdata", file)
	if *update {
		if err := os.MkdirAll("testdata", 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the conversation differs from %s (go test -update writes it anew):\n%s", path, difference(string(want), got))
	}
}

// difference is the first line in which two texts differ.
func difference(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range w {
		if i >= len(g) || w[i] != g[i] {
			line := ""
			if i < len(g) {
				line = g[i]
			}
			return fmt.Sprintf("line %d\nwant %s\ngot  %s", i+1, w[i], line)
		}
	}
	return "there is more at the end"
}
