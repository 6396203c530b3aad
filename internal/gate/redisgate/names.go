package redisgate

import (
	"encoding/base64"
	"strings"

	"scrip/internal/id"
)

// codeBytesMax is the longest key of a code: 64 characters of at most four bytes.
const codeBytesMax = 256

// names makes the names of our keys. What stands in braces decides the slot in a cluster; it holds
// neither braces nor anything else of a code that Redis could take for more than text.
type names struct{ prefix string }

func (n names) terms(code string) string { return n.prefix + ":{" + tagOf(code) + "}:terms" }
func (n names) left(code string) string  { return n.prefix + ":{" + tagOf(code) + "}:left" }

func (n names) campaign(c id.ID) string {
	return n.prefix + ":campaign:{" + c.Format(id.Campaign) + "}"
}

// probe is where a process tries whether Redis takes what it publishes, in the slot of a tag.
func (n names) probe(tag, token string) (terms, left string) {
	name := n.prefix + ":{" + tag + "}:probe:" + token
	return name, name + ":left"
}

func (n names) lock() string { return n.prefix + ":reconcile" }

// allTerms is a pattern for the names that terms makes.
func (n names) allTerms() string { return n.prefix + ":{*}:terms" }

// codeOf is the code whose terms have this name, false if terms does not make that name.
func (n names) codeOf(terms string) (string, bool) {
	tag, ok := strings.CutPrefix(terms, n.prefix+":{")
	if !ok {
		return "", false
	}
	if tag, ok = strings.CutSuffix(tag, "}:terms"); !ok {
		return "", false
	}
	code := tag
	if encoded, ok := strings.CutPrefix(tag, "~"); ok {
		raw, err := base64.RawURLEncoding.DecodeString(encoded)
		if err != nil {
			return "", false
		}
		code = string(raw)
	}
	if code == "" || len(code) > codeBytesMax || tagOf(code) != tag {
		return "", false
	}
	return code, true
}

// tagOf is a code as it stands between the braces: itself, so that operators find it, if it is of ASCII
// capitals and digits, as most are; in base64 behind a '~' if not.
func tagOf(code string) string {
	for i := range len(code) {
		if c := code[i]; (c < '0' || c > '9') && (c < 'A' || c > 'Z') {
			return "~" + base64.RawURLEncoding.EncodeToString([]byte(code))
		}
	}
	return code
}
