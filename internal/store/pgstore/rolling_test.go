package pgstore_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// While servers of two versions share a database, the older ones go on with a schema that they do not know. So a
// migration expands: it adds tables, indexes, and columns that a statement which does not name them may leave out.
// What is no longer wanted is taken away in a later version, when no server that uses it can be running any more;
// that step says so, in a comment with the word "contract:" right before the statement.
//
// Neither may a migration hold a big table for long, as nobody redeems meanwhile. This test reads every migration
// and refuses what it can see; docs/upgrading.md has the rule in words.

// harm is a statement that would stop older servers, or all of them.
type harm struct {
	does *regexp.Regexp
	why  string
	// onOld: it does so on a table of an earlier migration only.
	onOld bool
}

func harms() []harm {
	on := func(pattern string) *regexp.Regexp { return regexp.MustCompile(`(?is)^` + pattern) }
	return []harm{
		{on(`DROP\s+(TABLE|VIEW|SCHEMA|TYPE|FUNCTION|SEQUENCE)\b`), "an older server may use it", false},
		{on(`TRUNCATE\b`), "an older server may read it", false},
		{on(`ALTER\s+\w+.*\bRENAME\b`), "an older server knows it by its old name", false},
		{on(`ALTER\s+TABLE\s.*\bDROP\s+(COLUMN|CONSTRAINT)\b`), "an older server may name it", true},
		{on(`ALTER\s+TABLE\s.*\b(SET\s+DATA\s+)?TYPE\b`), "it rewrites the table, and an older server sends the old type", true},
		{on(`ALTER\s+TABLE\s.*\bSET\s+NOT\s+NULL\b`), "an older server may leave it out, and it reads the whole table under a lock", true},
		{on(`ALTER\s+TABLE\s.*\bADD\s+(COLUMN\s+)?(IF\s+NOT\s+EXISTS\s+)?\w+\s[^,]*\bNOT\s+NULL\b`), "an older server leaves it out; give it a DEFAULT", true},
		{on(`ALTER\s+TABLE\s.*\bADD\s+(CONSTRAINT\s+\w+\s+)?(CHECK|UNIQUE|PRIMARY|FOREIGN|EXCLUDE)\b`), "an older server may break it, and it reads the whole table under a lock; add it NOT VALID", true},
		{on(`ALTER\s+TABLE\s.*\bDEFAULT\s+(clock_timestamp|random|gen_random_uuid)\s*\(`), "a default that differs by row rewrites the table", true},
		{on(`CREATE\s+UNIQUE\s+INDEX\b`), "an older server may break it", true},
		{on(`CREATE\s+INDEX\s+(?:IF\s+NOT\s+EXISTS\s+)?\w+\s+ON\b`), "nobody writes while it is built; build it CONCURRENTLY, in a migration without a transaction", true},
		{on(`(LOCK|CLUSTER|REINDEX|VACUUM\s+FULL)\b`), "nobody writes meanwhile", true},
		{on(`(UPDATE|DELETE)\b`), "it may change every row in one transaction; do it in bounded batches, from the program", true},
	}
}

// permitted are the patterns' exceptions.
var permitted = []*regexp.Regexp{
	regexp.MustCompile(`(?is)\bADD\s+(COLUMN\s+)?(IF\s+NOT\s+EXISTS\s+)?\w+\s[^,]*\bNOT\s+NULL\b[^,]*\bDEFAULT\b`),
	regexp.MustCompile(`(?is)\bADD\s+(COLUMN\s+)?(IF\s+NOT\s+EXISTS\s+)?\w+\s[^,]*\bDEFAULT\b[^,]*\bNOT\s+NULL\b`),
	regexp.MustCompile(`(?is)\bNOT\s+VALID\s*$`),
}

// statement is one of a migration, with the comment that stands before it.
type statement struct {
	text, comment string
}

// statements cuts a migration up. What stands between goose's own marks, a function for instance, is one statement.
func statements(text string) (all []statement) {
	var now, comment strings.Builder
	whole := false
	end := func() {
		if s := strings.TrimSpace(now.String()); s != "" {
			all = append(all, statement{strings.TrimSuffix(s, ";"), comment.String()})
			comment.Reset()
		}
		now.Reset()
	}
	for line := range strings.Lines(text) {
		code, remark, _ := strings.Cut(line, "--")
		switch strings.TrimSpace(remark) {
		case "+goose StatementBegin":
			whole = true
			continue
		case "+goose StatementEnd":
			whole = false
			end()
			continue
		}
		if strings.TrimSpace(now.String()) == "" {
			comment.WriteString(strings.TrimRight(remark, "\n") + " ")
		}
		now.WriteString(code + "\n")
		if !whole && strings.HasSuffix(strings.TrimSpace(code), ";") {
			end()
		}
	}
	end()
	return all
}

var (
	creates = regexp.MustCompile(`(?is)^CREATE\s+TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?(\w+)`)
	targets = regexp.MustCompile(`(?is)^(?:ALTER\s+TABLE\s+(?:IF\s+EXISTS\s+)?(?:ONLY\s+)?|UPDATE\s+|DELETE\s+FROM\s+|LOCK\s+(?:TABLE\s+)?|CREATE\s+(?:UNIQUE\s+)?INDEX\s.*?\bON\s+(?:ONLY\s+)?)(\w+)`)
)

// harmful tells what in a migration would stop older servers. old holds the tables of earlier migrations, and gets
// this one's.
func harmful(text string, old map[string]bool) (found []string) {
	made := map[string]bool{}
	for _, s := range statements(text) {
		if m := creates.FindStringSubmatch(s.text); m != nil {
			made[strings.ToLower(m[1])] = true
		}
		onNew := false
		if m := targets.FindStringSubmatch(s.text); m != nil {
			onNew = made[strings.ToLower(m[1])] && !old[strings.ToLower(m[1])]
		}
		if strings.Contains(s.comment, "contract:") {
			continue
		}
		for _, h := range harms() {
			if !h.does.MatchString(s.text) || h.onOld && onNew || slices.ContainsFunc(permitted, func(p *regexp.Regexp) bool { return p.MatchString(s.text) }) {
				continue
			}
			found = append(found, fmt.Sprintf("%.80q: %s", s.text, h.why))
		}
	}
	for table := range made {
		old[table] = true
	}
	return found
}

func TestMigrationsOnlyExpand(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("migrations/*.sql")
	if err != nil || len(files) < 2 {
		t.Fatalf("%q, %v", files, err)
	}
	slices.Sort(files)
	old := map[string]bool{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range harmful(string(text), old) {
			t.Errorf("%s: %s", file, found)
		}
	}
	if !old["transfer"] || !old["copied_from"] {
		t.Errorf("the tables were not understood: %v", old)
	}
}

// The test of the test: what it is there to find, and what it must let pass.
func TestHarmfulMigrationsAreSeen(t *testing.T) {
	t.Parallel()
	for sql, bad := range map[string]bool{
		"DROP TABLE transfer;":                                                             true,
		"ALTER TABLE transfer RENAME TO entry;":                                            true,
		"ALTER TABLE transfer RENAME COLUMN at TO since;":                                  true,
		"ALTER TABLE transfer\n  DROP COLUMN at;":                                          true,
		"ALTER TABLE transfer ALTER COLUMN at TYPE bigint;":                                true,
		"ALTER TABLE transfer ALTER at SET NOT NULL;":                                      true,
		"ALTER TABLE transfer ADD COLUMN x bigint NOT NULL;":                               true,
		"ALTER TABLE transfer ADD x bigint NOT NULL CHECK (x > 0);":                        true,
		"ALTER TABLE transfer ADD CONSTRAINT c CHECK (amount > 1);":                        true,
		"ALTER TABLE transfer ADD COLUMN x uuid DEFAULT gen_random_uuid();":                true,
		"CREATE UNIQUE INDEX i ON transfer (id);":                                          true,
		"CREATE INDEX i ON transfer (id);":                                                 true,
		"UPDATE transfer SET at = at;":                                                     true,
		"DELETE FROM transfer;":                                                            true,
		"TRUNCATE transfer;":                                                               true,
		"LOCK TABLE transfer;":                                                             true,
		"-- +goose StatementBegin\nDROP FUNCTION f;\n-- +goose StatementEnd":               true,
		"ALTER TABLE transfer ADD COLUMN x bigint;":                                        false,
		"ALTER TABLE transfer ADD COLUMN x bigint NOT NULL DEFAULT 0;":                     false,
		"ALTER TABLE transfer ADD COLUMN x bigint DEFAULT 0 NOT NULL;":                     false,
		"ALTER TABLE transfer ADD CONSTRAINT c CHECK (amount > 1) NOT VALID;":              false,
		"CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON transfer (id);":                      false,
		"CREATE TABLE fresh (x int NOT NULL); CREATE UNIQUE INDEX i ON fresh (x);":         false,
		"CREATE TABLE fresh (x int);\nCREATE UNIQUE INDEX i ON fresh (x);":                 false,
		"CREATE TABLE fresh (x int);\nUPDATE fresh SET x = 1;":                             false,
		"INSERT INTO transfer VALUES (1);":                                                 false,
		"-- contract: no server since 1.4 reads it.\nALTER TABLE transfer DROP COLUMN at;": false,
		"-- DROP TABLE transfer;\nCREATE TABLE fresh (x int);":                             false,
	} {
		if found := harmful(sql, map[string]bool{"transfer": true}); (len(found) > 0) != bad {
			t.Errorf("%q: found %q", sql, found)
		}
	}
}
