package cli_test

import (
	"strings"
	"testing"
)

// Each of them says what is wrong and what to write instead, and nothing of how it is read.
func TestWrongValuesAreToldPlainly(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ args, says string }{
		{"code create --starts-at 2026-03-20", `--starts-at: "2026-03-20" is no time; write the day, the time of day and Z or the offset from UTC, as in 2026-03-20T16:30:00Z`},
		{"code create --ends-at tomorrow", `--ends-at: "tomorrow" is no time`},
		{"code create --ends-at ''", `--ends-at: "" is no time`},
		{"key create --name x --scopes read --expires-at 2026-03-20T20:00:00", "is no time"},
		{"code create --credit -5", `--credit: "-5" looks like a flag; if it is the value, write --credit=-5; see scrip code create --help`},
		{"serve --max-batch -1", `--max-batch (SCRIP_MAX_BATCH): "-1" looks like a flag; if it is the value, write --max-batch=-1`},
		{"serve --listen", "--listen (SCRIP_LISTEN): its value is missing; see scrip serve --help"},
		{"code list --limit", "--limit: its value is missing"},
		{"stampede --code x --replica", "--replica: its value is missing"},
		{"stampede --code x -n", "--customers: its value is missing"},
		{"code list --limit x", `--limit: "x" is no whole number`},
		{"code list --limit ''", `--limit: "" is no whole number`},
		{"code create --limit 99999999999999999999", "is too large"},
		{"key rotate key_x --overlap x", `--overlap: "x" is no duration; write a number and a unit, as in 500ms, 30s or 24h`},
		{"config --seal-interval 5", `--seal-interval (SCRIP_SEAL_INTERVAL): "5" is no duration`},
		{"redeem x y --url 127.0.0.1:18400", `--url (SCRIP_URL) is "127.0.0.1:18400": begin it with http:// or https://, as in http://127.0.0.1:8000`},
		{"ping --url localhost:18400", "begin it with http://"},
		{"stampede --code x --url 127.0.0.1:18400", "begin it with http://"},
		{"stampede --code x --replica 127.0.0.1:18400", `--replica is "127.0.0.1:18400": begin it with http://`},
		{"redeem x y --url http://[::1", "--url (SCRIP_URL)"},
		{"redeem x y --url http://127.0.0.1:8000/?a", "without ?"},
	} {
		checkRefused(t, words(c.args), c.says)
		for _, raw := range []string{"parsing time", "first path segment", "EOL", "short flag", "long flag", "bit int", "time: ", "<arg>"} {
			if got := run(t, "", words(c.args)...); strings.Contains(got.stderr, raw) {
				t.Errorf("%s: %s", c.args, got.stderr)
			}
		}
	}
}
