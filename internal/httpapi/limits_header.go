package httpapi

import (
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"scrip/internal/limit"
)

// The headers are those of draft-ietf-httpapi-ratelimit-headers (its structured fields: a list of policies
// "name";q=quota;w=seconds and the tightest limit "name";r=remaining;t=seconds). Their values repeat
// endlessly, so each is made once and kept.

// limitLines makes the headers' values.
type limitLines struct {
	mu       sync.RWMutex
	policies map[[limitNames]limit.Rate][]string

	left [limitNames][linesKept]atomic.Pointer[leftLine]
}

const (
	policiesMax = 1024 // keys with rates of their own
	linesKept   = 1024 // of each policy, by what is left
)

// leftLine is one value of RateLimit.
type leftLine struct {
	left, seconds int64
	line          []string
}

//nolint:gochecknoglobals // a constant in all but name
var limitName = [limitNames]string{limitAddress: "address", limitCustomer: "customer", limitKey: "key"}

// writeLimits tells what limits the caller, if anything does.
func (x *exchange) writeLimits(h http.Header) {
	if !x.limits.on {
		return
	}
	tightest, rates := -1, [limitNames]limit.Rate{}
	for name := range x.limits.verdicts {
		v := &x.limits.verdicts[name]
		if rates[name] = v.Limit; v.Limit.None() {
			continue
		}
		if tightest < 0 || v.Tighter(&x.limits.verdicts[tightest]) {
			tightest = name
		}
	}
	if tightest < 0 {
		return
	}
	h["Ratelimit-Policy"] = x.s.lines.policy(rates)
	h["Ratelimit"] = x.s.lines.remaining(tightest, &x.limits.verdicts[tightest])
}

// policy is the value of RateLimit-Policy. It is not to be changed.
func (l *limitLines) policy(rates [limitNames]limit.Rate) []string {
	l.mu.RLock()
	line, ok := l.policies[rates]
	l.mu.RUnlock()
	if ok {
		return line
	}
	var b []byte
	for name, r := range rates {
		if r.None() {
			continue
		}
		if len(b) > 0 {
			b = append(b, ", "...)
		}
		b = append(b, '"')
		b = append(b, limitName[name]...)
		b = append(b, `";q=`...)
		b = strconv.AppendInt(b, r.Burst, 10)
		b = append(b, ";w="...)
		b = strconv.AppendInt(b, inSeconds(r.Every*time.Duration(r.Burst)), 10)
	}
	line = []string{string(b)}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.policies == nil {
		l.policies = make(map[[limitNames]limit.Rate][]string)
	}
	if len(l.policies) < policiesMax {
		l.policies[rates] = line
	}
	return line
}

// remaining is the value of RateLimit. It is not to be changed.
func (l *limitLines) remaining(name int, v *limit.Verdict) []string {
	seconds := inSeconds(v.Full)
	kept := &l.left[name][v.Left%linesKept]
	if found := kept.Load(); found != nil && found.left == v.Left && found.seconds == seconds {
		return found.line
	}
	b := append(make([]byte, 0, 48), '"')
	b = append(b, limitName[name]...)
	b = append(b, `";r=`...)
	b = strconv.AppendInt(b, v.Left, 10)
	b = append(b, ";t="...)
	b = strconv.AppendInt(b, seconds, 10)
	fresh := &leftLine{left: v.Left, seconds: seconds, line: []string{string(b)}}
	kept.Store(fresh)
	return fresh.line
}

// inSeconds is d in whole seconds, rounded up.
func inSeconds(d time.Duration) int64 { return int64((d + time.Second - 1) / time.Second) }
