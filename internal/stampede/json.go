package stampede

import "iter"

// members goes through the members of a JSON object, values raw, without allocating. It is no validator:
// of what is not JSON it may yield a part, but it always ends, and yields nothing beyond the text.
func members(text []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(name, value []byte) bool) {
		at := space(text, 0)
		if at >= len(text) || text[at] != '{' {
			return
		}
		at++
		for {
			at = space(text, at)
			end := skip(text, at)
			if at >= len(text) || text[at] != '"' || end < at+2 {
				return
			}
			name := text[at+1 : end-1]
			at = space(text, end)
			if at >= len(text) || text[at] != ':' {
				return
			}
			at = space(text, at+1)
			end = skip(text, at)
			if end == at || !yield(name, text[at:end]) {
				return
			}
			at = space(text, end)
			if at >= len(text) || text[at] != ',' {
				return
			}
			at++
		}
	}
}

func space(text []byte, at int) int {
	for at < len(text) && (text[at] == ' ' || text[at] == '\t' || text[at] == '\n' || text[at] == '\r') {
		at++
	}
	return at
}

// skip returns the end of the value that begins at at.
func skip(text []byte, at int) int {
	if at >= len(text) {
		return at
	}
	switch text[at] {
	case '"':
		return skipString(text, at)
	case '{', '[':
		return skipNested(text, at)
	default:
		for at < len(text) && text[at] != ',' && text[at] != '}' && text[at] != ']' && text[at] > ' ' {
			at++
		}
		return at
	}
}

func skipString(text []byte, at int) int {
	for at++; at < len(text); at++ {
		switch text[at] {
		case '\\':
			at++
		case '"':
			return at + 1
		}
	}
	return len(text)
}

func skipNested(text []byte, at int) int {
	depth := 0
	for at < len(text) {
		switch text[at] {
		case '"':
			at = skipString(text, at)
			continue
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
		at++
		if depth == 0 {
			break
		}
	}
	return at
}

// plain returns a string's text where it has no escapes, as codes and ids have none.
func plain(value []byte) []byte {
	if len(value) < 2 || value[0] != '"' || value[len(value)-1] != '"' {
		return nil
	}
	return value[1 : len(value)-1]
}

// integer reads a whole number above or below zero of up to 18 digits.
func integer(value []byte) (int64, bool) {
	negative := len(value) > 0 && value[0] == '-'
	if negative {
		value = value[1:]
	}
	n := int64(0)
	for _, c := range value {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = 10*n + int64(c-'0')
	}
	if negative {
		n = -n
	}
	return n, len(value) > 0 && len(value) < 19
}

// elements goes through the elements of a JSON array, as members does through an object.
func elements(text []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		at := space(text, 0)
		if at >= len(text) || text[at] != '[' {
			return
		}
		for at++; ; at++ {
			at = space(text, at)
			end := skip(text, at)
			if end == at || !yield(text[at:end]) {
				return
			}
			at = space(text, end)
			if at >= len(text) || text[at] != ',' {
				return
			}
		}
	}
}
