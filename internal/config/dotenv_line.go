package config

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// lineMax bounds the bytes of a line of a .env file; a URL has room in half of it.
const lineMax = 4096

// parseLine returns the key and value of one line, and no key for an empty line or a comment.
func parseLine(line string) (key, value string, err error) {
	if len(line) > lineMax {
		return "", "", fmt.Errorf("the line is longer than %d bytes", lineMax)
	}
	if !utf8.ValidString(line) {
		return "", "", errors.New("the line is not UTF-8")
	}
	if strings.ContainsFunc(line, func(r rune) bool { return r != '\t' && unicode.IsControl(r) }) {
		return "", "", errors.New("the line has a control character")
	}
	line = strings.TrimSpace(line)
	if line == "" || line[0] == '#' {
		return "", "", nil
	}
	if rest, ok := strings.CutPrefix(line, "export"); ok && rest != "" && (rest[0] == ' ' || rest[0] == '\t') {
		line = strings.TrimLeft(rest, " \t")
	}
	key, rest, ok := strings.Cut(line, "=")
	if !ok {
		return "", "", errors.New("there is no =; write KEY=VALUE, or # in front of a comment")
	}
	if !isKey(key) {
		return "", "", errors.New("a key is letters, digits and _, does not begin with a digit, and stands right before the =")
	}
	value, err = parseValue(rest)
	return key, value, err
}

func isKey(key string) bool {
	for i, r := range key {
		letter := r == '_' || 'A' <= r && r <= 'Z' || 'a' <= r && r <= 'z'
		if !letter && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return key != ""
}

// parseValue reads what stands after the "=".
func parseValue(text string) (string, error) {
	if text == "" {
		return "", nil
	}
	var value, rest string
	switch text[0] {
	case '\'':
		inner, after, closed := strings.Cut(text[1:], "'")
		if !closed {
			return "", errors.New("the ' is not closed on this line")
		}
		value, rest = inner, after
	case '"':
		inner, after, err := parseDouble(text[1:])
		if err != nil {
			return "", err
		}
		value, rest = inner, after
	default:
		return parsePlain(text)
	}
	if after := strings.TrimLeft(rest, " \t"); after != "" && (after[0] != '#' || after == rest) {
		return "", errors.New("after the closing quote only a comment may follow, with a space before its #")
	}
	return value, nil
}

// parsePlain reads a value without quotes.
func parsePlain(text string) (string, error) {
	for i := range len(text) {
		if text[i] == '#' && i > 0 && (text[i-1] == ' ' || text[i-1] == '\t') {
			text = text[:i]
			break
		}
	}
	if strings.ContainsAny(text, `"'`) {
		return "", errors.New("a quote in the middle of a value; put quotes around all of it")
	}
	return strings.TrimSpace(text), nil
}

// parseDouble reads up to the closing double quote and returns what follows it.
func parseDouble(text string) (value, rest string, err error) {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"':
			return b.String(), text[i+1:], nil
		case c != '\\':
			b.WriteByte(c)
		case i+1 < len(text) && text[i+1] == 'n':
			b.WriteByte('\n')
			i++
		case i+1 < len(text) && (text[i+1] == '"' || text[i+1] == '\\'):
			b.WriteByte(text[i+1])
			i++
		default:
			return "", "", errors.New(`in double quotes, \ may stand only before n, " and \`)
		}
	}
	return "", "", errors.New(`the " is not closed on this line`)
}
