package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// ask asks a person for what the flags did not say. A script may answer through a pipe.
func (k *codeCreateCmd) ask(from io.Reader, to io.Writer) error {
	answers := bufio.NewReader(io.LimitReader(from, askMax))
	for _, q := range []struct {
		text string
		take func(string) error
	}{
		{"Code: ", func(s string) error { k.Code = s; return nil }},
		{"Credit in whole units of the currency: ", func(s string) error {
			k.Credit = s
			_, err := k.credit() // before the next question
			return err
		}},
		{"Count of uses: ", func(s string) error {
			n, err := strconv.ParseInt(s, 10, 64)
			if err != nil || n < 1 {
				return usage("the count %.40q must be a whole number of at least 1", s)
			}
			k.Limit = &n
			return nil
		}},
	} {
		_, _ = fmt.Fprint(to, q.text)
		text, err := answers.ReadString('\n')
		text = strings.TrimSpace(text)
		if text == "" {
			return usage("no answer to %q; or use --code, --credit and --limit", strings.TrimSuffix(q.text, ": "))
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return usage("read the answers: %w", err)
		}
		if err := q.take(text); err != nil {
			return err
		}
	}
	return nil
}

// askMax bounds the answers; the longest code has 256 bytes.
const askMax = 4 << 10
