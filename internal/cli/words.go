package cli

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"scrip/client"
)

// What is wrong with a command line is said in our words, with what to write instead. The parser and the libraries below
// it speak to programmers.

// plainly says what the parser says of a flag's value. What it has no other words for is plain enough.
func plainly(text string) string {
	for _, w := range []struct{ theirs, ours string }{
		{`expected \S+ value but got "EOL" \(<EOL>\)`, "its value is missing"},
		{`missing value, expecting "<arg>,\.\.\."`, "its value is missing"},
		{`expected \S+ value but got "(.+?)" \((?:short|long) flag\); perhaps try (\S+?)=.*\?$`, `"$1" looks like a flag; if it is the value, write $2=$1`},
		{`expected a valid \d+ bit int but got "(.*)"`, `"$1" is no whole number, or is too large`},
		{`expected duration but got "(.*?)": time: .*`, `"$1" is no duration; write a number and a unit, as in 500ms, 30s or 24h`},
	} {
		if theirs := regexp.MustCompile(w.theirs); theirs.MatchString(text) {
			return theirs.ReplaceAllString(text, w.ours)
		}
	}
	return text
}

// timeOf reads the time of a flag, which must say its offset from UTC: a window that opens hours early can't be taken back.
func timeOf(ctx *kong.DecodeContext, target reflect.Value) error {
	var text string
	if err := ctx.Scan.PopValueInto("time", &text); err != nil {
		return err
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return fmt.Errorf("%q is no time; write the day, the time of day and Z or the offset from UTC, as in 2026-03-20T16:30:00Z or 2026-03-20T20:00:00+03:30", text)
	}
	target.Set(reflect.ValueOf(&t))
	return nil
}

// checkURL tells what is wrong with the address of a server.
func checkURL(text string) error {
	_, err := client.New(text)
	switch {
	case err == nil:
		return nil
	case !strings.HasPrefix(text, "http://") && !strings.HasPrefix(text, "https://"):
		return errors.New("begin it with http:// or https://, as in http://127.0.0.1:8000")
	default:
		return errors.New("it must be http:// or https://, a host and perhaps a port, as in http://127.0.0.1:8000, without ? and #")
	}
}
