package config_test

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"scrip/internal/config"
)

func load(t *testing.T, text string) (map[string]string, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), ".env")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return config.LoadDotEnv(path)
}

func TestLoadDotEnv(t *testing.T) {
	t.Parallel()
	text := strings.Join([]string{
		"\ufeff# a comment", "", "   ", "\t# another",
		"PLAIN=value",
		"  INDENTED=value  ",
		"export EXPORTED=value",
		"export\tTABBED=value",
		"exported=value",
		"EMPTY=",
		"EMPTY_COMMENT= # nothing",
		"COMMENT=value # a comment",
		"HASH=a#b#",
		"URL=postgres://u:p#w@db/scrip?a=b&c=$d",
		"SPACES=two words",
		"EQUALS=a=b=",
		`BACKSLASH=C:\scrip\n`,
		"SINGLE='# $HOME \"x\" \\n'",
		`DOUBLE="two\nlines, a \"quote\", a \\ and $HOME # no comment"`,
		`QUOTED_COMMENT="value" # a comment`,
		"QUOTED_EMPTY=''",
		"PERSIAN=سلام",
		"_9=value",
		"CRLF=value\r",
		"LAST=value",
	}, "\n")
	want := map[string]string{
		"PLAIN": "value", "INDENTED": "value", "EXPORTED": "value", "TABBED": "value", "exported": "value", "EMPTY": "",
		"EMPTY_COMMENT": "", "COMMENT": "value", "HASH": "a#b#", "URL": "postgres://u:p#w@db/scrip?a=b&c=$d",
		"SPACES": "two words", "EQUALS": "a=b=", "BACKSLASH": `C:\scrip\n`, "SINGLE": `# $HOME "x" \n`,
		"DOUBLE":         "two\nlines, a \"quote\", a \\ and $HOME # no comment",
		"QUOTED_COMMENT": "value", "QUOTED_EMPTY": "", "PERSIAN": "سلام", "_9": "value", "CRLF": "value", "LAST": "value",
	}
	got, err := load(t, text)
	if err != nil || !maps.Equal(got, want) {
		t.Errorf("got %q, %v; want %q", got, err, want)
	}
}

func TestLoadDotEnvRefuses(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"KEY":                                  "there is no =",
		"export KEY":                           "there is no =",
		"=s3cr3t":                              "a key is",
		"9KEY=s3cr3t":                          "a key is",
		"KEY =s3cr3t":                          "a key is",
		"MY-KEY=s3cr3t":                        "a key is",
		"ΚΕΥ=s3cr3t":                           "a key is",
		"export KEY KEY=s3cr3t":                "a key is",
		"KEY='s3cr3t":                          "' is not closed",
		`KEY="s3cr3t`:                          `" is not closed`,
		`KEY="s3cr3t\"`:                        `" is not closed`,
		`KEY="s3cr3t\`:                         `\ may stand only before`,
		`KEY="s3cr3t\t"`:                       `\ may stand only before`,
		`KEY="a"s3cr3t`:                        "after the closing quote",
		"KEY='a' s3cr3t":                       "after the closing quote",
		"KEY='a'#s3cr3t":                       "after the closing quote",
		"KEY=a's3cr3t'":                        "quote in the middle",
		"KEY= 's3cr3t'":                        "quote in the middle",
		"KEY=it's3cr3t":                        "quote in the middle",
		"KEY=s3cr3t\x00":                       "control character",
		"KEY=s3cr3t\x1b[0m":                    "control character",
		"KEY=s3cr3t\rKEY2=x":                   "control character",
		"KEY=s3cr3t\xff":                       "not UTF-8",
		"# a comment\xff":                      "not UTF-8",
		"KEY=" + strings.Repeat("x", 4093):     "longer than 4096 bytes",
		"FIRST=again":                          "FIRST is already set on line 1",
		"KEY=" + strings.Repeat("s3cr3t", 9e4): "longer than 4096 bytes",
	} {
		got, err := load(t, "FIRST=1\n\n"+line+"\nLAST=1\n")
		if err == nil || got != nil {
			t.Errorf("%.40q: %q, no error", line, got)
			continue
		}
		if !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), ".env:3: ") || strings.Contains(err.Error(), "s3cr3t") {
			t.Errorf("%.40q: %v; want .env:3 and %q, and no value", line, err, want)
		}
	}
}

func TestLoadDotEnvFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if got, err := config.LoadDotEnv(filepath.Join(dir, "none", ".env")); err != nil || len(got) != 0 {
		t.Errorf("a missing file: %v, %v", got, err)
	}
	if got, err := config.LoadDotEnv(dir); err == nil || !strings.Contains(err.Error(), dir) {
		t.Errorf("a directory: %v, %v", got, err)
	}
	if got, err := load(t, ""); err != nil || len(got) != 0 {
		t.Errorf("an empty file: %v, %v", got, err)
	}
	if got, err := load(t, strings.Repeat("#\n", 1<<19)+"#"); err == nil || !strings.Contains(err.Error(), "larger than") {
		t.Errorf("a huge file: %v, %v", got, err)
	}
	if got, err := load(t, "KEY="+strings.Repeat("x", 4092)+"\n"); err != nil || len(got["KEY"]) != 4092 {
		t.Errorf("the longest line: %d bytes, %v", len(got["KEY"]), err)
	}
}

func TestUnknownKeys(t *testing.T) {
	t.Parallel()
	env := map[string]string{
		"SCRIP_LISTEN": "", "SCRIP_DATABASE_URL": "", "SCRIP_MAX_QUEUE": "", "SCRIP_URL": "", "SCRIP_KEY": "", "SCRIP_KEY_FILE": "", "PATH": "", "POSTGRES_PASSWORD": "",
		"SCRIP_LISTN": "", "SCRIP_": "", "SCRIP_listen": "", "scrip_x": "",
	}
	if got, want := config.UnknownKeys(env), []string{"SCRIP_", "SCRIP_LISTN", "SCRIP_listen"}; !slices.Equal(got, want) {
		t.Errorf("UnknownKeys = %q, want %q", got, want)
	}
	if got := config.UnknownKeys(nil); len(got) != 0 {
		t.Errorf("UnknownKeys(nil) = %q", got)
	}
}
