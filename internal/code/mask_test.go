package code_test

import (
	"strings"
	"testing"

	"scrip/internal/code"
)

func TestMask(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                          "",
		"A":                         "•",
		"salam":                     "•••••",
		"SALAM1":                    "••••••",
		"SALAM12":                   "•••AM12",
		"K7M2PQ4T9XYZ":              "••••••••9XYZ",
		"سلام\u200cدنیا":            "•••••دنیا",
		"بهار":                      "••••",
		"ABCD\nEFG":                 "••••" + "•EFG",
		"ABCDEFG\xff":               "••••EFG•",
		"\xff\xfe\xfd":              "•••",
		strings.Repeat("x", 10_000): strings.Repeat("•", 64) + "xxxx",
	} {
		if got := code.Mask(in); got != want {
			t.Errorf("Mask(%.20q) = %q, want %q", in, got, want)
		}
	}
}
