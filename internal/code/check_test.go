package code_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"scrip/internal/code"
	"scrip/internal/fault"
)

func generate(tb testing.TB, n int, checked bool) string {
	tb.Helper()
	key, err := code.Generate(rand.Reader, n, checked)
	if err != nil {
		tb.Fatal(err)
	}
	return key
}

// A digit is part of what is printed on cards for ever: these must never change.
func TestCheckDigitIsForEver(t *testing.T) {
	t.Parallel()
	for key, want := range map[string]byte{
		"0": '0', "1": '2', "G": '5', "Z": 'V', "000000": '0', "SA1AM": 'B', "K7M2PQ4": 'S', code.Alphabet: '1',
	} {
		got, err := code.CheckDigit(key)
		if err != nil || got != want {
			t.Errorf("CheckDigit(%q) = %q, %v; want %q", key, got, err, want)
		}
	}
}

func TestCheckDigitRefuses(t *testing.T) {
	t.Parallel()
	for _, key := range []string{"", "I", "L", "O", "U", "a", "-", "A B", "سلام", "A\x00", "\xff", "AAU"} {
		if got, err := code.CheckDigit(key); !errors.Is(err, fault.ErrInvalidCode) || got != 0 {
			t.Errorf("CheckDigit(%q) = %q, %v", key, got, err)
		}
		if code.Valid(key) || code.Valid(key+"0") && key != "" {
			t.Errorf("%q is valid", key)
		}
	}
	for _, key := range []string{"0", "A", "Z"} {
		if code.Valid(key) {
			t.Errorf("%q is valid with nothing before its check digit", key)
		}
	}
}

// Every single substitution and every exchange of neighbours, at every place of codes of every length.
func TestCheckDigitCatchesSlips(t *testing.T) {
	t.Parallel()
	for n := 6; n <= 32; n++ {
		for range 20 {
			key := generate(t, n, true)
			if !code.Valid(key) {
				t.Fatalf("%s is not valid", key)
			}
			for at := range n {
				for _, c := range code.Alphabet {
					if slip := key[:at] + string(c) + key[at+1:]; slip != key && code.Valid(slip) {
						t.Fatalf("%s passes for %s", slip, key)
					}
				}
			}
			for at := range n {
				for to := at + 1; to < min(n, at+31); to++ {
					slip := []byte(key)
					slip[at], slip[to] = slip[to], slip[at]
					if string(slip) != key && code.Valid(string(slip)) {
						t.Fatalf("%s passes for %s", slip, key)
					}
				}
			}
		}
	}
}

// All pairs of digits in one sweep: x*y = 2x+y is totally anti-symmetric.
func TestCheckDigitCatchesEveryTranspositionAndTwin(t *testing.T) {
	t.Parallel()
	for _, head := range []string{"", "1", "G", "7Q"} {
		for _, a := range code.Alphabet {
			for _, b := range code.Alphabet {
				x, y := string(a), string(b)
				digit, err := code.CheckDigit(head + x + y)
				if err != nil {
					t.Fatal(err)
				}
				if x != y && code.Valid(head+y+x+string(digit)) {
					t.Errorf("%s%s%s%c passes with %s and %s exchanged", head, x, y, digit, x, y)
				}
				twin, err := code.CheckDigit(head + x + x)
				if err != nil {
					t.Fatal(err)
				}
				if x != y && code.Valid(head+y+y+string(twin)) {
					t.Errorf("%s%s%s%c passes for twins of %s", head, y, y, twin, x)
				}
			}
		}
	}
}

func TestGenerate(t *testing.T) {
	t.Parallel()
	for n := 6; n <= 32; n++ {
		for _, checked := range []bool{false, true} {
			key := generate(t, n, checked)
			if len(key) != n || strings.Trim(key, code.Alphabet) != "" || (checked && !code.Valid(key)) {
				t.Errorf("Generate(%d, %v) = %q", n, checked, key)
			}
			if normal, err := code.Normalise(key); err != nil || normal != key {
				t.Errorf("%q is not normal: %q, %v", key, normal, err)
			}
		}
	}
}

// Every byte stands for a character, each character for eight bytes.
func TestGenerateIsUniform(t *testing.T) {
	t.Parallel()
	count := map[byte]int{}
	for b := range 256 {
		key, err := code.Generate(bytes.NewReader(bytes.Repeat([]byte{byte(b)}, 6)), 6, false)
		if err != nil {
			t.Fatal(err)
		}
		count[key[0]]++
	}
	for _, c := range []byte(code.Alphabet) {
		if count[c] != 8 {
			t.Errorf("%c comes from %d of 256 bytes, want 8", c, count[c])
		}
	}
}

func TestGenerateRefuses(t *testing.T) {
	t.Parallel()
	for _, n := range []int{-1, 0, 1, 5, 33, 1 << 30} {
		got, err := code.Generate(rand.Reader, n, true)
		if !errors.Is(err, fault.ErrInvalidRequest) || fault.From(err).Field != "length" || got != "" {
			t.Errorf("Generate(%d) = %q, %v", n, got, err)
		}
	}
	broken := errors.New("no entropy")
	for name, c := range map[string]struct {
		r    io.Reader
		want error
	}{
		"empty":  {strings.NewReader(""), io.EOF},
		"short":  {strings.NewReader("12345"), io.ErrUnexpectedEOF},
		"broken": {iotest.ErrReader(broken), broken},
	} {
		if got, err := code.Generate(c.r, 8, false); !errors.Is(err, c.want) || got != "" {
			t.Errorf("%s reader: %q, %v", name, got, err)
		}
	}
	// A reader may give its bytes one by one.
	if got, err := code.Generate(iotest.OneByteReader(strings.NewReader("abcdefg")), 8, true); err != nil || !code.Valid(got) {
		t.Errorf("slow reader: %q, %v", got, err)
	}
}

func BenchmarkValid(b *testing.B) {
	key := generate(b, 12, true)
	b.ReportAllocs()
	for b.Loop() {
		_ = code.Valid(key)
	}
}

func BenchmarkGenerate(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		_, _ = code.Generate(rand.Reader, 12, true)
	}
}
