package money

import "scrip/internal/fault"

// Currency is an ISO 4217 code in capital letters, such as "IRR".
type Currency string

// ParseCurrency returns s as a Currency if ISO 4217 lists it as active with a minor unit, and
// fault.ErrInvalidCurrency otherwise. Gold, the SDR, "XXX" and the others without a minor unit can't
// be kept in a wallet of minor units, so they are refused too.
func ParseCurrency(s string) (Currency, error) {
	if _, ok := exponent(Currency(s)); !ok {
		return "", fault.ErrInvalidCurrency
	}
	return Currency(s), nil
}

// Exponent returns the digits of c's minor unit: 2 for IRR, 0 for JPY, 3 for KWD. It is 0 for a
// Currency that ParseCurrency would refuse.
func (c Currency) Exponent() int {
	e, _ := exponent(c)
	return e
}

// exponent is ISO 4217's list one as of January 2026 (the Netherlands Antillean guilder and the
// Bulgarian lev are gone, the Caribbean guilder is there), less the codes without a minor unit. The
// fund codes (CLF, UYW and so on) have one and are in.
func exponent(c Currency) (digits int, ok bool) {
	switch c {
	case "AED", "AFN", "ALL", "AMD", "AOA", "ARS", "AUD", "AWG", "AZN", "BAM", "BBD", "BDT", "BMD",
		"BND", "BOB", "BOV", "BRL", "BSD", "BTN", "BWP", "BYN", "BZD", "CAD", "CDF", "CHE", "CHF",
		"CHW", "CNY", "COP", "COU", "CRC", "CUP", "CVE", "CZK", "DKK", "DOP", "DZD", "EGP", "ERN",
		"ETB", "EUR", "FJD", "FKP", "GBP", "GEL", "GHS", "GIP", "GMD", "GTQ", "GYD", "HKD", "HNL",
		"HTG", "HUF", "IDR", "ILS", "INR", "IRR", "JMD", "KES", "KGS", "KHR", "KPW", "KYD", "KZT",
		"LAK", "LBP", "LKR", "LRD", "LSL", "MAD", "MDL", "MGA", "MKD", "MMK", "MNT", "MOP", "MRU",
		"MUR", "MVR", "MWK", "MXN", "MXV", "MYR", "MZN", "NAD", "NGN", "NIO", "NOK", "NPR", "NZD",
		"PAB", "PEN", "PGK", "PHP", "PKR", "PLN", "QAR", "RON", "RSD", "RUB", "SAR", "SBD", "SCR",
		"SDG", "SEK", "SGD", "SHP", "SLE", "SOS", "SRD", "SSP", "STN", "SVC", "SYP", "SZL", "THB",
		"TJS", "TMT", "TOP", "TRY", "TTD", "TWD", "TZS", "UAH", "USD", "USN", "UYU", "UZS", "VED",
		"VES", "WST", "XAD", "XCD", "XCG", "YER", "ZAR", "ZMW", "ZWG":
		return 2, true
	case "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND",
		"VUV", "XAF", "XOF", "XPF":
		return 0, true
	case "BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND":
		return 3, true
	case "CLF", "UYW":
		return 4, true
	default:
		return 0, false
	}
}

// unit returns the number of minor units in one whole unit of c.
func (c Currency) unit() (int64, error) {
	digits, ok := exponent(c)
	if !ok {
		return 0, fault.ErrInvalidCurrency
	}
	unit := int64(1)
	for range digits {
		unit *= 10
	}
	return unit, nil
}
