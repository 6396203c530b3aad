package redisgate_test

import (
	"math/rand/v2"
	"net"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"scrip/internal/gate/redisgate"
	"scrip/internal/voucher"
)

var decimal = regexp.MustCompile(`^(0|-?[1-9][0-9]*)$`)

// FuzzEntries reads any text as what may stand in Redis: a code's terms, a key's name, a number. There is one spelling of
// each: what is read is written letter by letter as it was, and says nothing that may not be told.
func FuzzEntries(f *testing.F) {
	good := redisgate.EncodeTerms(factAt(factOf("SALAM", 1, voucher.SoldOut, 1), time.UnixMicro(1)))
	for _, s := range []string{
		"", "1", good, good + " ", " " + good, good + "x", strings.Replace(good, "sold_out", "unknown", 1),
		strings.Replace(good, "sold_out", "invalid", 1), strings.Replace(good, "1 2 1 1", "1 3 1 1", 1),
		strings.Replace(good, "1 2 1 1", "1 02 1 1", 1), strings.Replace(good, "1 2 1 1", "1 0 -1 1", 1),
		strings.Replace(good, " 1000000 ", " 9000000 ", 1), strings.Repeat("1", 1<<12), "p:{SALAM}:terms", "p:{~2LPZhNin2YU}:terms", "-1", "007",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		fact, err := redisgate.DecodeTerms("SALAM", s)
		if err == nil && (redisgate.EncodeTerms(fact) != s || !redisgate.Publishable(fact) || fact.FreshFor > voucher.FactFreshFor) {
			t.Fatalf("%q is read as %+v", s, fact)
		}
		if code, ok := redisgate.CodeOf("p", s); ok && redisgate.Terms("p", code) != s {
			t.Fatalf("%q is the name of %q, whose name is %q", s, code, redisgate.Terms("p", code))
		}
		if s != "" && len(s) <= 256 {
			name := redisgate.Terms("p", s)
			if got, ok := redisgate.CodeOf("p", name); !ok || got != s || strings.Count(name, "{")+strings.Count(name, "}") != 2 {
				t.Fatalf("%q is named %q, which is read as %q, %v", s, name, got, ok)
			}
		}
		want, err := strconv.ParseInt(s, 10, 64)
		sound := err == nil && want >= 0 && decimal.MatchString(s)
		if n, err := redisgate.DecodeNumber(s, 0); (err == nil) != sound || sound && n != want {
			t.Fatalf("%q is read as %d, %v", s, n, err)
		}
	})
}

// FuzzURL reads any text as the URL of a Redis. What is taken names hosts with ports; what is refused is not repeated:
// any part of it may be a password.
func FuzzURL(f *testing.F) {
	for _, s := range [][2]string{
		{"redis://u:", "@h:1/3"},
		{"redis+sentinel://:", "@a,b:1/m%20m/2"},
		{"rediss+cluster://u:", "@a,b:1,[::2]:3"},
		{"redis://h/", ""},
		{"redis://:%zz", "@h"},
		{"redis://:", "?@h#"},
	} {
		f.Add(s[0], s[1])
	}
	f.Fuzz(func(t *testing.T, before, behind string) {
		const mark = "S3CR3T"
		o, err := redisgate.ParseURL(before + mark + behind)
		if err != nil {
			if strings.Contains(err.Error(), mark) || len(err.Error()) > 1024 {
				t.Fatalf("%q: %v", before+mark+behind, err)
			}
			return
		}
		if len(o.InitAddress) == 0 {
			t.Fatalf("%q names no host", before+mark+behind)
		}
		for _, address := range o.InitAddress {
			host, port, err := net.SplitHostPort(address)
			if n, bad := strconv.ParseUint(port, 10, 16); err != nil || bad != nil || n == 0 || host == "" {
				t.Fatalf("%q leads to %q", before+mark+behind, address)
			}
		}
	})
}

// FuzzForward plays any story of facts, and of what else may happen to Redis, on the function in a real Redis and on its
// model.
func FuzzForward(f *testing.F) {
	th := newTheatre(f)
	seeds(f, 40, 20)
	f.Fuzz(func(t *testing.T, bytes []byte) {
		s := &tale{TB: t, text: redisgate.ForwardText, theatre: th, number: th.stories.Add(1), dice: dice{bytes}, clock: newClock()}
		for range storyStepsMax {
			if len(s.dice.bytes) == 0 {
				break
			}
			s.interfere()
			s.redis[0].newest = voucher.Fact{} // what is drawn here is of many stores
			s.forward(0, s.anyFact())
		}
	})
}

// interfere is what else may happen to Redis: something else writes there, or it evicts as it likes.
func (s *tale) interfere() {
	garbage := []string{"", "x", "-1", "01", "-01", "1.5", "1 2 3", "nan", "99999999999999999999999"}
	terms, left := s.names(0)
	b, shelf := s.client.B(), &s.redis[0]
	switch s.dice.pick(20) {
	case 1:
		s.run(b.Del().Key(terms).Build(), b.Rpush().Key(terms).Element("a list").Build())
		shelf.fact = nil
	case 2:
		s.run(b.Set().Key(terms).Value(garbage[s.dice.pick(len(garbage))]).Build())
		shelf.fact = nil
	case 3:
		s.run(b.Del().Key(left).Build(), b.Sadd().Key(left).Member("a set").Build())
		shelf.left = ""
	case 4:
		shelf.left = garbage[s.dice.pick(len(garbage))]
		s.run(b.Set().Key(left).Value(shelf.left).PxMilliseconds(60_000).Build())
	case 5:
		s.run(b.Del().Key(terms).Build())
		shelf.fact = nil
	case 6:
		s.run(b.Del().Key(left).Build())
		shelf.left = ""
	default:
	}
}

// anyFact is of few values, so that they meet, and of some that are too large for a double.
func (s *tale) anyFact() voucher.Fact {
	const big = int64(1) << 53
	of := func(ns ...int64) int64 { return ns[s.dice.pick(len(ns))] }
	return voucher.Fact{
		Key: s.code(0), Voucher: idOf(1, int(of(1, 1, 1, 2))), Campaign: idOf(2, 1),
		Version: voucher.Version{Campaign: of(0, 1, 2, 9, 10, big, big+1, big+2), Voucher: of(0, 1, 2, 9, 10, big, big+1, big+2)},
		Status: voucher.Status(of(int64(voucher.Open), int64(voucher.Open), int64(voucher.NotStarted), int64(voucher.Ended), //nolint:gosec // one of them
			int64(voucher.Disabled), int64(voucher.SoldOut), int64(voucher.Spent))),
		Remaining: of(-1, 0, 1, 9, 10, 11, big, big+1),
		FreshFor:  voucher.FactFreshFor,
		At:        time.UnixMicro(of(0, 9, 10, 11, big, big+1, big+2)).UTC(),
		Customer:  []string{"", "09120000001", "مشتری {}"}[s.dice.pick(3)],
	}
}

// seeds adds stories of growing length, the same each time.
func seeds(f *testing.F, first, more int) {
	f.Helper()
	for n := range byte(12) {
		bytes := make([]byte, first+more*int(n))
		_, _ = rand.NewChaCha8([32]byte{n}).Read(bytes) // it never fails
		f.Add(bytes)
	}
}

// FuzzGates plays any story on the stores, the gates and Redis: see the differential test.
func FuzzGates(f *testing.F) {
	th := newTheatre(f)
	seeds(f, 100, 50)
	f.Fuzz(func(t *testing.T, bytes []byte) {
		s := th.begin(t, bytes)
		defer s.end()
		s.play()
	})
}
