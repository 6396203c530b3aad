package money_test

import (
	"errors"
	"testing"

	"scrip/internal/fault"
	"scrip/internal/money"
)

func TestExponent(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]int{
		"IRR": 2, "EUR": 2, "USD": 2, "MGA": 2, "MRU": 2, "SLE": 2, "VED": 2, "XCG": 2, "ZWG": 2, "XAD": 2,
		"JPY": 0, "KRW": 0, "ISK": 0, "UGX": 0, "XAF": 0, "UYI": 0,
		"KWD": 3, "BHD": 3, "IQD": 3, "TND": 3,
		"CLF": 4, "UYW": 4,
	} {
		c, err := money.ParseCurrency(code)
		if err != nil || string(c) != code || c.Exponent() != want {
			t.Errorf("ParseCurrency(%q) = %q, %v; exponent %d, want %d", code, c, err, c.Exponent(), want)
		}
	}
}

func TestParseCurrencyRefuses(t *testing.T) {
	t.Parallel()
	for _, code := range []string{
		"", "I", "IR", "IRRR", "irr", "Irr", " IRR", "IRR ", "IRR\x00", "ⅠRR", "ＩＲＲ", "123", "\xff\xff\xff", "IRT", "TMN", "BTC",
		"ANG", "BGN", "CUC", "DEM", "HRK", "SLL", "ZWL", // withdrawn
		"XAG", "XAU", "XBA", "XDR", "XPD", "XPT", "XSU", "XTS", "XUA", "XXX", // no minor unit
	} {
		if c, err := money.ParseCurrency(code); !errors.Is(err, fault.ErrInvalidCurrency) || c != "" {
			t.Errorf("ParseCurrency(%q) = %q, %v", code, c, err)
		}
		if got := money.Currency(code).Exponent(); got != 0 {
			t.Errorf("Currency(%q).Exponent() = %d", code, got)
		}
	}
}

// The list has the length of ISO 4217's own: an entry that is lost or invented shows here.
func TestNumberOfCurrencies(t *testing.T) {
	t.Parallel()
	byExponent := map[int]int{}
	var code [3]byte
	for n := range 26 * 26 * 26 {
		code = [3]byte{'A' + byte(n/676), 'A' + byte(n/26%26), 'A' + byte(n%26)}
		if c, err := money.ParseCurrency(string(code[:])); err == nil {
			byExponent[c.Exponent()]++
		}
	}
	for exponent, want := range map[int]int{0: 17, 2: 139, 3: 7, 4: 2} {
		if got := byExponent[exponent]; got != want {
			t.Errorf("%d currencies with %d digits, want %d", got, exponent, want)
		}
	}
}

func BenchmarkParseCurrency(b *testing.B) {
	for b.Loop() {
		_, _ = money.ParseCurrency("IRR")
	}
}
