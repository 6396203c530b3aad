// Package docs_test keeps the documents in step with the code: the tables of errors and of settings, the
// example of .env, and the links between documents.
package docs_test

import (
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"scrip/internal/config"
	"scrip/internal/fault"
)

var update = flag.Bool("update", false, "write the tables instead of comparing them")

// The tables stand between two comments. Their last column is written by people and is kept.
const (
	errorsPath  = "errors.md"
	runbookPath = "runbook.md"
)

func TestTables(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		path, name string
		columns    []string
		rows       [][]string // without the last column
	}{
		{errorsPath, "errors", []string{"code", "kind", "status", "meaning", "what to do"}, errorRows(t)},
		{runbookPath, "settings", []string{"flag", "environment", "default", "meaning"}, settingRows()},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			compareTable(t, c.path, c.name, c.columns, c.rows)
		})
	}
}

// compareTable holds the table of a document to rows, or writes it.
func compareTable(t *testing.T, path, name string, columns []string, rows [][]string) {
	t.Helper()
	text := read(t, path)
	begin, end := "<!-- "+name+":begin -->\n", "<!-- "+name+":end -->"
	from, to := strings.Index(text, begin), strings.Index(text, end)
	if from < 0 || to < from {
		t.Fatalf("%s has no table between %q and %q", path, begin, end)
	}
	from += len(begin)
	written := lastColumns(text[from:to])
	var table strings.Builder
	fmt.Fprintf(&table, "| %s |\n|%s\n", strings.Join(columns, " | "), strings.Repeat("---|", len(columns)))
	for _, row := range rows {
		last := written[row[0]]
		if last == "" {
			last = "TODO"
			if !*update {
				t.Errorf("%s: the row of %s lacks its last column", path, row[0])
			}
		}
		cells := append(slices.Clone(row), last)
		if len(columns) == len(row) {
			cells = row // nothing is written by people
		}
		fmt.Fprintf(&table, "| %s |\n", strings.Join(cells, " | "))
	}
	if text[from:to] == table.String() {
		return
	}
	if !*update {
		t.Fatalf("%s: the table %q is not in step with the code; run make generate\n%s", path, name, table.String())
	}
	if err := os.WriteFile(path, []byte(text[:from]+table.String()+text[to:]), 0o600); err != nil {
		t.Fatal(err)
	}
}

// lastColumns is the last cell of each row by its first.
func lastColumns(table string) map[string]string {
	last := map[string]string{}
	for line := range strings.Lines(table) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), " | ")
		if len(cells) > 1 {
			last[strings.TrimSpace(cells[0])] = strings.TrimSpace(cells[len(cells)-1])
		}
	}
	return last
}

func errorRows(t *testing.T) [][]string {
	t.Helper()
	statuses := statusByKind(t)
	var rows [][]string
	for _, f := range fault.All() {
		kind := kindNames[f.Kind]
		status := statuses[kind]
		if status == 0 {
			t.Fatalf("%s is of kind %d, which has no name here or no status in problem.go", f.Code, f.Kind)
		}
		words := strings.ToLower(regexp.MustCompile(`([a-z])([A-Z])`).ReplaceAllString(kind, "$1 $2"))
		rows = append(rows, []string{"`" + string(f.Code) + "`", words, strconv.Itoa(status), strings.ReplaceAll(f.Message, "|", `\|`)})
	}
	return rows
}

// kindNames are the kinds as the source writes them.
var kindNames = map[fault.Kind]string{
	fault.Internal: "Internal", fault.Invalid: "Invalid", fault.Refused: "Refused", fault.NotFound: "NotFound",
	fault.Conflict: "Conflict", fault.TooLarge: "TooLarge", fault.Unsupported: "Unsupported", fault.WrongMethod: "WrongMethod",
	fault.Unauthorized: "Unauthorized", fault.Forbidden: "Forbidden", fault.Limited: "Limited", fault.Unavailable: "Unavailable",
}

// statusByKind reads the one switch that maps kinds to statuses out of its source, as it is not exported.
func statusByKind(t *testing.T) map[string]int {
	t.Helper()
	numbers := map[string]int{}
	for n := 400; n < 600; n++ {
		if text := http.StatusText(n); text != "" {
			numbers["Status"+regexp.MustCompile(`[^A-Za-z]`).ReplaceAllString(text, "")] = n
		}
	}
	statuses := map[string]int{}
	source := read(t, "../internal/httpapi/problem.go")
	for _, m := range regexp.MustCompile(`case ((?:fault\.\w+(?:, )?)+):\s+return http\.(\w+)`).FindAllStringSubmatch(source, -1) {
		for kind := range strings.SplitSeq(m[1], ", ") {
			statuses[strings.TrimPrefix(kind, "fault.")] = numbers[m[2]]
		}
	}
	return statuses
}

// settings are the tags of every setting.
func settings() []reflect.StructTag {
	var tags []reflect.StructTag
	for f := range reflect.TypeFor[config.Config]().Fields() {
		tags = append(tags, f.Tag)
	}
	return tags
}

func settingRows() [][]string {
	var rows [][]string
	for _, tag := range settings() {
		fallback := tag.Get("default")
		if fallback != "" {
			fallback = "`" + fallback + "`"
		}
		rows = append(rows, []string{"`--" + tag.Get("name") + "`", "`" + tag.Get("env") + "`", fallback, tag.Get("help")})
	}
	return rows
}

// TestEnvExample wants every setting in env.example, in order, as a comment with its default behind its help.
func TestEnvExample(t *testing.T) {
	t.Parallel()
	text := read(t, filepath.Join("..", "env.example"))
	at := 0
	for _, tag := range settings() {
		want := fmt.Sprintf("\n# %s\n#%s=%s\n", tag.Get("help"), tag.Get("env"), tag.Get("default"))
		found := strings.Index(text[at:], want)
		if found < 0 {
			t.Fatalf("env.example lacks, or has out of order:%s", want)
		}
		at += found
	}
	uncommented := regexp.MustCompile(`(?m)^#(SCRIP_)`).ReplaceAllString(text, "$1")
	path := filepath.Join(t.TempDir(), ".env")
	if err := os.WriteFile(path, []byte(uncommented), 0o600); err != nil {
		t.Fatal(err)
	}
	env, err := config.LoadDotEnv(path)
	if err != nil {
		t.Fatalf("with the # off, .env can't be read: %v", err)
	}
	if unknown := config.UnknownKeys(env); len(unknown) > 0 {
		t.Errorf("env.example has settings that are none: %q", unknown)
	}
	if want := len(settings()) + 3; len(env) != want { // and SCRIP_URL, SCRIP_KEY and SCRIP_KEY_FILE
		t.Errorf("env.example has %d settings, want %d", len(env), want)
	}
}

// TestLinks wants every relative link to lead to a file, and every anchor to a heading.
func TestLinks(t *testing.T) {
	t.Parallel()
	link := regexp.MustCompile(`\]\(([^)\s]+)\)`)
	for _, path := range documents(t) {
		for _, m := range link.FindAllStringSubmatch(read(t, path), -1) {
			target, anchor, _ := strings.Cut(m[1], "#")
			if strings.Contains(target, "://") {
				continue
			}
			to := path
			if target != "" {
				to = filepath.Join(filepath.Dir(path), target)
			}
			if _, err := os.Stat(to); err != nil {
				t.Errorf("%s links to %s, which is not there", path, m[1])
			} else if anchor != "" && !slices.Contains(anchors(read(t, to)), anchor) {
				t.Errorf("%s links to %s, but there is no such heading", path, m[1])
			}
		}
	}
}

// TestDecisions wants the decisions numbered without gaps, listed, with their four parts, and short.
func TestDecisions(t *testing.T) {
	t.Parallel()
	const linesMax = 60 // a page
	paths, err := filepath.Glob("decisions/[0-9]*.md")
	if err != nil {
		t.Fatal(err)
	}
	index := read(t, "decisions/README.md")
	for i, path := range paths {
		name := filepath.Base(path)
		if !strings.HasPrefix(name, fmt.Sprintf("%04d-", i+1)) {
			t.Errorf("%s is out of order: it should be number %d", name, i+1)
		}
		if !strings.Contains(index, "("+name+")") {
			t.Errorf("decisions/README.md does not list %s", name)
		}
		text := read(t, path)
		if n := strings.Count(text, "\n"); n > linesMax {
			t.Errorf("%s has %d lines; a decision has a page, of %d", name, n, linesMax)
		}
		at := 0
		for _, part := range []string{"## Context", "## Decision", "## Measurement", "## Consequences"} {
			found := strings.Index(text[at:], "\n"+part+"\n")
			if found < 0 {
				t.Errorf("%s lacks %q, or has it out of order", name, part)
				break
			}
			at += found
		}
	}
}

// documents are all Markdown files of the project.
func documents(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, pattern := range []string{"../*.md", "*.md", "decisions/*.md"} {
		paths, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, paths...)
	}
	return all
}

// anchors are the names of a document's headings, as the usual renderers make them.
func anchors(text string) []string {
	var all []string
	for line := range strings.Lines(text) {
		title := strings.TrimLeft(line, "#")
		if title == line || !strings.HasPrefix(title, " ") {
			continue
		}
		name := strings.ToLower(strings.TrimSpace(title))
		name = regexp.MustCompile(`[^\p{L}\p{N} _-]`).ReplaceAllString(name, "")
		all = append(all, strings.ReplaceAll(name, " ", "-"))
	}
	return all
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
