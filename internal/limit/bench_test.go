package limit

import (
	"testing"
	"time"
)

// request is all that limits do for one redemption of a publishable key's caller.
func request(l *Limiter, a *Attempt, from Place, key uint64, customer, code string) bool {
	now := l.Now()
	if v := l.AllowAddress(now, from); !v.OK() {
		return false
	}
	if v := l.AllowKey(now, key, l.Publishable(), 1); !v.OK() {
		return false
	}
	if v := l.AllowCustomer(now, from, customer); !v.OK() {
		return false
	}
	if ruling, _ := l.Try(a, now, from, customer, code); ruling != Pass {
		return false
	}
	if !a.Crowd() {
		if v := l.AllowCustomerAnywhere(now, customer); !v.OK() {
			return false
		}
	}
	a.Judged()
	return true
}

func plenty(c *Config) {
	many := Rate{Every: 1, Burst: 1 << 40} // more than can be asked
	c.Clock, c.Address, c.Customer, c.Publishable = nil, many, many, many
}

func TestLimitsDoNotAllocate(t *testing.T) {
	l := newLimiter(t, &watch{}, plenty)
	var a Attempt
	from := place("2001:db8::1")
	n := testing.AllocsPerRun(1000, func() {
		request(l, &a, from, 1, "+989123456789", "GIFT7")
		if ruling, _ := l.Try(&a, l.Now(), from, "+989123456789", "GIFT8"); ruling == Pass {
			a.Missed()
		}
		l.Try(&a, l.Now(), from, "+989123456789", "GIFT9")
		a.Won()
	})
	if n != 0 {
		t.Errorf("%v allocations for a request", n)
	}
}

// BenchmarkRequest is the whole path of a request at a code that few ask for, which is the longest.
func BenchmarkRequest(b *testing.B) {
	l := newLimiter(b, &watch{}, plenty)
	from := place("2001:db8::1")
	names := make([]string, 1024)
	for i := range names {
		names[i] = "+98912" + string([]byte{byte('0' + i/100%10), byte('0' + i/10%10), byte('0' + i%10)}) + time.Duration(i).String()
	}
	b.ReportAllocs()
	b.RunParallel(func(p *testing.PB) {
		var a Attempt
		for i := 0; p.Next(); i++ {
			if !request(l, &a, from, 1, names[i%len(names)], names[(i*7)%len(names)]) {
				b.Error("refused")
			}
		}
	})
}

// BenchmarkCrowd is the same at the code that everybody asks for.
func BenchmarkCrowd(b *testing.B) {
	l := newLimiter(b, &watch{}, plenty)
	from := place("192.0.2.1")
	b.ReportAllocs()
	b.RunParallel(func(p *testing.PB) {
		var a Attempt
		for p.Next() {
			if !request(l, &a, from, 1, "+989123456789", "SALAM") {
				b.Error("refused")
			}
		}
	})
}
