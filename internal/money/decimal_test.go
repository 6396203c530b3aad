package money_test

import (
	"errors"
	"math"
	"strings"
	"testing"

	"scrip/internal/fault"
	"scrip/internal/money"
)

func TestFromWhole(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		whole    int64
		currency money.Currency
		want     int64
		err      error
	}{
		{1_000_000, "IRR", 100_000_000, nil},
		{13_004_000, "JPY", 13_004_000, nil},
		{5, "KWD", 5000, nil},
		{0, "EUR", 0, nil},
		{-3, "EUR", -300, nil},
		{math.MaxInt64, "JPY", math.MaxInt64, nil},
		{math.MaxInt64 / 100, "EUR", math.MaxInt64 / 100 * 100, nil},
		{math.MaxInt64/100 + 1, "EUR", 0, fault.ErrInvalidAmount},
		{math.MinInt64/100 - 1, "EUR", 0, fault.ErrInvalidAmount},
		{math.MinInt64, "KWD", 0, fault.ErrInvalidAmount},
		{1, "XXX", 0, fault.ErrInvalidCurrency},
		{1, "", 0, fault.ErrInvalidCurrency},
	} {
		got, err := money.FromWhole(c.whole, c.currency)
		if got != c.want || !errors.Is(err, c.err) {
			t.Errorf("FromWhole(%d, %s) = %d, %v; want %d, %v", c.whole, c.currency, got, err, c.want, c.err)
		}
	}
}

func TestParseDecimal(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text     string
		currency money.Currency
		want     int64
	}{
		{"1000000", "IRR", 100_000_000},
		{"12.50", "EUR", 1250},
		{"12.5", "EUR", 1250},
		{"0.01", "EUR", 1},
		{"-0.01", "EUR", -1},
		{"-12.50", "EUR", -1250},
		{"0", "EUR", 0},
		{"-0", "EUR", 0},
		{"0.00", "EUR", 0},
		{"007", "JPY", 7},
		{"1.234", "KWD", 1234},
		{"1.2345", "CLF", 12345},
		{"۱۲۳۴۵۶۷۸۹۰", "JPY", 1_234_567_890},
		{"٠١٢٣٤٥٦٧٨٩", "JPY", 123_456_789},
		{"۱۲٫۵۰", "EUR", 1250},
		{"-۱٢.5", "EUR", -1250},
		{"92233720368547758.07", "EUR", math.MaxInt64},
		{"-92233720368547758.08", "EUR", math.MinInt64},
		{"9223372036854775807", "JPY", math.MaxInt64},
		{"-9223372036854775808", "JPY", math.MinInt64},
		{strings.Repeat("0", 63) + "7", "JPY", 7},
	} {
		if got, err := money.ParseDecimal(c.text, c.currency); err != nil || got != c.want {
			t.Errorf("ParseDecimal(%q, %s) = %d, %v; want %d", c.text, c.currency, got, err, c.want)
		}
	}
}

func TestParseDecimalRefuses(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "-", "+", ".", "-.", "+1", "--1", "-+1", "1-", "−1", ".5", "5.", "-.5", "5.-", "1.2.3", "1..2", "1.234", "1.000",
		"1,000", "1_000", "1 000", " 1", "1 ", "1\n", "1e3", "1E3", "0x10", "1/2", "½", "۱۲٬۰۰۰", "१२", "１２", "1٫2٫3", "1.2٫3",
		"inf", "NaN", "\xff", "1\xff", "1\x00", "twelve",
		"92233720368547758.08", "-92233720368547758.09", "92233720368547759", "9223372036854775808", "99999999999999999999",
		strings.Repeat("0", 65), strings.Repeat("9", 10_000),
	} {
		if got, err := money.ParseDecimal(text, "EUR"); !errors.Is(err, fault.ErrInvalidAmount) || got != 0 {
			t.Errorf("ParseDecimal(%.40q) = %d, %v", text, got, err)
		}
	}
	for _, c := range []struct {
		text     string
		currency money.Currency
		want     error
	}{
		{"1.0", "JPY", fault.ErrInvalidAmount},
		{"1.", "JPY", fault.ErrInvalidAmount},
		{"1", "", fault.ErrInvalidCurrency},
		{"1", "eur", fault.ErrInvalidCurrency},
	} {
		if _, err := money.ParseDecimal(c.text, c.currency); !errors.Is(err, c.want) {
			t.Errorf("ParseDecimal(%q, %q): %v, want %v", c.text, c.currency, err, c.want)
		}
	}
}

func TestAppendDecimal(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		minor    int64
		currency money.Currency
		want     string
	}{
		{1_300_400_000, "IRR", "13004000"},
		{1250, "EUR", "12.50"},
		{1, "EUR", "0.01"},
		{-1, "EUR", "-0.01"},
		{-100, "EUR", "-1"},
		{0, "EUR", "0"},
		{0, "JPY", "0"},
		{1005, "KWD", "1.005"},
		{10, "CLF", "0.0010"},
		{-7, "JPY", "-7"},
		{math.MaxInt64, "EUR", "92233720368547758.07"},
		{math.MinInt64, "EUR", "-92233720368547758.08"},
		{math.MinInt64, "JPY", "-9223372036854775808"},
		{1250, "???", "1250"},
	} {
		if got := string(money.AppendDecimal([]byte("="), c.minor, c.currency)); got != "="+c.want {
			t.Errorf("AppendDecimal(%d, %s) = %q, want %q", c.minor, c.currency, got, c.want)
		}
	}
}

func currencies() []money.Currency { return []money.Currency{"IRR", "JPY", "KWD", "CLF"} }

func BenchmarkParseDecimal(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		_, _ = money.ParseDecimal("13004000.50", "IRR")
	}
}

func BenchmarkAppendDecimal(b *testing.B) {
	buf := make([]byte, 0, 32)
	b.ReportAllocs()
	for b.Loop() {
		_ = money.AppendDecimal(buf, 1_300_400_050, "IRR")
	}
}
