package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/mattn/go-isatty"

	"scrip/internal/money"
)

// answer prints a result: as JSON for scripts, or by the function for people. It is written at once, so that who
// waits for a part of it finds the whole.
func (c *command) answer(result any, human func(w io.Writer)) error {
	if !c.json {
		var text bytes.Buffer
		table := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
		human(table)
		if err := table.Flush(); err != nil {
			return err
		}
		_, err := c.Stdout.Write(text.Bytes())
		return err
	}
	e := json.NewEncoder(c.Stdout)
	e.SetEscapeHTML(false)
	return e.Encode(result)
}

// line prints a line; what can't be written shows when the whole is flushed.
func line(w io.Writer, format string, args ...any) { _, _ = fmt.Fprintf(w, format+"\n", args...) }

// isTerminal reports whether a person is likely to be at the other end.
func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && (isatty.IsTerminal(f.Fd()) || isatty.IsCygwinTerminal(f.Fd()))
}

// amount shows minor units as people write them: 1,000,000 IRR.
func amount(minor int64, currency string) string {
	text := string(money.AppendDecimal(nil, minor, money.Currency(currency)))
	return group(text) + " " + currency
}

// count shows a whole number: 1,000,000.
func count[N int | int64](n N) string { return group(strconv.FormatInt(int64(n), 10)) }

// group puts a comma between each three digits of the whole part.
func group(text string) string {
	start := 0
	if text != "" && text[0] == '-' {
		start = 1
	}
	end := start
	for end < len(text) && text[end] != '.' {
		end++
	}
	var out strings.Builder
	out.WriteString(text[:start])
	for at := start; at < end; at++ {
		if at > start && (end-at)%3 == 0 {
			out.WriteByte(',')
		}
		out.WriteByte(text[at])
	}
	out.WriteString(text[end:])
	return out.String()
}

// plural is "1 use" or "2,000 uses".
func plural[N int | int64](n N, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return count(n) + " " + many
}
