package money_test

import (
	"errors"
	"math"
	"math/big"
	"regexp"
	"strings"
	"testing"

	"scrip/internal/fault"
	"scrip/internal/money"
)

// FuzzMoney reads any text as an amount and as a currency, and calculates with any two numbers. What is read is what
// rational numbers of any size give, means the same when it is written and read again, and no sum wraps.
func FuzzMoney(f *testing.F) {
	for _, s := range []string{"12.50", "-۱۲٫۵", "0x1", "92233720368547758.08", "1e9", "٠", "IRR"} {
		f.Add(s, int64(math.MinInt64), int64(-1))
	}
	f.Add("-10001", int64(math.MaxInt64), int64(3333))
	f.Fuzz(func(t *testing.T, s string, a, b int64) {
		for _, c := range currencies() {
			checkDecimal(t, s, c)
			checkRoundTrip(t, a, c)
		}
		checkArithmetic(t, a, b)
		checkBasisPoints(t, a, ((b%10_001)+10_001)%10_001)
		if c, err := money.ParseCurrency(s); err == nil {
			if string(c) != s || !capitals.MatchString(s) {
				t.Fatalf("ParseCurrency(%q) = %q", s, c)
			}
		} else if !errors.Is(err, fault.ErrInvalidCurrency) || c != "" {
			t.Fatalf("ParseCurrency(%q) = %q, %v", s, c, err)
		}
	})
}

var capitals = regexp.MustCompile(`^[A-Z]{3}$`)

// checkDecimal compares ParseDecimal with numbers of any size.
func checkDecimal(t *testing.T, s string, c money.Currency) {
	t.Helper()
	minor, err := money.ParseDecimal(s, c)
	want, ok := plainDecimal(s, c.Exponent())
	if minor != want || (err == nil) != ok {
		t.Fatalf("ParseDecimal(%q, %s) = %d, %v; by rational numbers %d, %v", s, c, minor, err, want, ok)
	}
	if err != nil {
		if !errors.Is(err, fault.ErrInvalidAmount) {
			t.Fatalf("ParseDecimal(%q, %s): %v", s, c, err)
		}
		return
	}
	checkRoundTrip(t, minor, c)
}

// checkRoundTrip holds that what AppendDecimal writes, ParseDecimal reads.
func checkRoundTrip(t *testing.T, minor int64, c money.Currency) {
	t.Helper()
	text := money.AppendDecimal(nil, minor, c)
	if got, err := money.ParseDecimal(string(text), c); err != nil || got != minor {
		t.Fatalf("%d %s is written %s and read as %d, %v", minor, c, text, got, err)
	}
}

var decimal = regexp.MustCompile(`^-?\d+(?:\.(\d+))?$`)

// plainDecimal is ParseDecimal by a rational number.
func plainDecimal(s string, places int) (int64, bool) {
	if len(s) > 64 {
		return 0, false
	}
	for i, twins := range []string{"۰٠", "۱١", "۲٢", "۳٣", "۴٤", "۵٥", "۶٦", "۷٧", "۸٨", "۹٩"} {
		for _, r := range twins {
			s = strings.ReplaceAll(s, string(r), string(rune('0'+i)))
		}
	}
	s = strings.ReplaceAll(s, "٫", ".")
	part := decimal.FindStringSubmatch(s)
	if len(part) < 2 || len(part[1]) > places {
		return 0, false
	}
	n, ok := new(big.Rat).SetString(s)
	if !ok {
		return 0, false
	}
	n.Mul(n, new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(places)), nil)))
	if !n.IsInt() || !n.Num().IsInt64() {
		return 0, false
	}
	return n.Num().Int64(), true
}
