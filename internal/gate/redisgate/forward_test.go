package redisgate_test

import (
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"scrip/internal/gate/redisgate"
	"scrip/internal/testenv"
	"scrip/internal/voucher"
)

// written is the model of what Redis holds of one code.
type written struct {
	fact *voucher.Fact // nil: nothing
	left string        // as it is there; "" for nothing, and for what is no text
}

// stage is the order within a version.
func stage(s voucher.Status) int {
	return map[voucher.Status]int{
		voucher.NotStarted: 1, voucher.Open: 2, voucher.SoldOut: 3, voucher.Spent: 3, voucher.Ended: 4, voucher.Disabled: 4,
	}[s]
}

// take is "forward": what Redis holds after a fact, and what the function returns.
func (w *written) take(f voucher.Fact) int {
	left := leftOf(f)
	old := w.fact
	switch {
	case old == nil:
	case old.Voucher != f.Voucher:
		if !f.At.After(old.At) {
			return 0
		}
	case f.Version.Sum() < old.Version.Sum():
		return 0
	case f.Version.Sum() > old.Version.Sum():
	case f.Version != old.Version || stage(f.Status) < stage(old.Status):
		return 0
	default:
		fell := w.fall(f.Status, left)
		if stage(f.Status) > stage(old.Status) || f.Status != voucher.Open && f.At.After(old.At) {
			w.fact = &f
			return 2
		}
		return fell
	}
	w.fact, w.left = &f, left
	return 2
}

func leftOf(f voucher.Fact) string {
	switch {
	case f.Status == voucher.SoldOut:
		return "-1"
	case f.Remaining < 0:
		return ""
	default:
		return strconv.FormatInt(f.Remaining, 10)
	}
}

// fall is what becomes of what is left, within a version.
func (w *written) fall(s voucher.Status, left string) int {
	old, err := strconv.ParseInt(w.left, 10, 64)
	garbage := err != nil || w.left != strconv.FormatInt(old, 10) || old < -1 || old == -1 && stage(s) < 3
	if left == "" {
		w.left = ""
		return 0
	}
	if n, _ := strconv.ParseInt(left, 10, 64); !garbage && n >= old {
		return 0
	}
	w.left = left
	return 1
}

func (w *written) same(terms, left string) bool {
	want := ""
	if w.fact != nil {
		want = redisgate.EncodeTerms(*w.fact)
	}
	return terms == want && left == w.left
}

// anyFact draws of few values, so that they meet, and of some that are too large for a double.
func anyFact(t *rapid.T, key string) voucher.Fact {
	const big = int64(1) << 53
	version := rapid.SampledFrom([]int64{0, 1, 2, 9, 10, big, big + 1, big + 2})
	f := voucher.Fact{
		Key: key, Voucher: idOf(1, rapid.SampledFrom([]int{1, 1, 1, 2}).Draw(t, "voucher")), Campaign: idOf(2, 1),
		Version: voucher.Version{Campaign: version.Draw(t, "campaign's version"), Voucher: version.Draw(t, "version")},
		Status: rapid.SampledFrom([]voucher.Status{
			voucher.Open, voucher.Open, voucher.NotStarted, voucher.Ended, voucher.Disabled, voucher.SoldOut, voucher.Spent,
		}).Draw(t, "status"),
		Remaining: rapid.SampledFrom([]int64{-1, 0, 1, 9, 10, 11, big, big + 1}).Draw(t, "remaining"),
		FreshFor:  voucher.FactFreshFor,
		At:        time.UnixMicro(rapid.SampledFrom([]int64{0, 9, 10, 11, big, big + 1, big + 2}).Draw(t, "at")).UTC(),
		Customer:  rapid.SampledFrom([]string{"", "09120000001", "مشتری {}"}).Draw(t, "customer"),
	}
	return f
}

func TestForward(t *testing.T) {
	server := testenv.SharedRedis(t)
	prefix := newPrefix()
	terms, left := redisgate.Terms(prefix, "SALAM"), redisgate.Left(prefix, "SALAM")
	take := func(f voucher.Fact) string {
		return do(t, server, "EVAL", redisgate.ForwardText, "2", terms, left,
			redisgate.EncodeTerms(f), redisgate.EncodeLeft(f), "60000")
	}
	garbage := []string{"", "x", "-1", "01", "-01", "1.5", "1 2 3", "nan", "99999999999999999999999"}
	rapid.Check(t, func(rt *rapid.T) {
		do(t, server, "DEL", terms, left)
		var model written
		for range rapid.IntRange(1, 30).Draw(rt, "steps") {
			switch rapid.IntRange(0, 19).Draw(rt, "step") {
			case 0: // something else writes there, and counts as nothing
				do(t, server, "DEL", terms)
				do(t, server, "RPUSH", terms, "a list")
				model.fact = nil
			case 1:
				do(t, server, "SET", terms, rapid.SampledFrom(garbage).Draw(rt, "garbage"))
				model.fact = nil
			case 2:
				do(t, server, "DEL", left)
				do(t, server, "SADD", left, "a set")
				do(t, server, "PEXPIRE", left, "60000")
				model.left = ""
			case 3:
				model.left = rapid.SampledFrom(garbage).Draw(rt, "garbage left")
				do(t, server, "SET", left, model.left, "PX", "60000")
			case 4: // Redis evicts as it likes
				do(t, server, "DEL", terms)
				model.fact = nil
			case 5:
				do(t, server, "DEL", left)
				model.left = ""
			}
			f := anyFact(rt, "SALAM")
			want := model.take(f)
			if got := take(f); got != strconv.Itoa(want) {
				rt.Fatalf("%+v returns %s, want %d", f, got, want)
			}
			gotTerms, gotLeft := text(t, server, terms), text(t, server, left)
			if !model.same(gotTerms, gotLeft) {
				rt.Fatalf("after %+v there are %q and %q left, want %+v", f, gotTerms, gotLeft, model)
			}
			for _, key := range []string{terms, left} {
				if ttl := do(t, server, "PTTL", key); ttl == "-1" {
					rt.Fatalf("%s never ends", key)
				}
			}
		}
	})
}

// text is a string's value, "" for anything else.
func text(t testing.TB, r *testenv.Redis, key string) string {
	t.Helper()
	if do(t, r, "TYPE", key) != "string" {
		return ""
	}
	return do(t, r, "GET", key)
}

func TestForwardRefusesNonsense(t *testing.T) {
	server := testenv.SharedRedis(t)
	prefix := newPrefix()
	_, err := server.Do(t.Context(), "EVAL", redisgate.ForwardText, "2", prefix+"a", prefix+"b", "nonsense", "1", "1000")
	if err == nil {
		t.Error("it is written")
	}
	if do(t, server, "EXISTS", prefix+"a", prefix+"b") != "0" {
		t.Error("something is there")
	}
}

func TestForwardRenews(t *testing.T) {
	server := testenv.SharedRedis(t)
	prefix := newPrefix()
	terms, left := redisgate.Terms(prefix, "SALAM"), redisgate.Left(prefix, "SALAM")
	f := factAt(factOf("SALAM", 1, voucher.Open, 1), time.Unix(1, 0))
	args := []string{"EVAL", redisgate.ForwardText, "2", terms, left, redisgate.EncodeTerms(f), redisgate.EncodeLeft(f), "100000"}
	do(t, server, args...)
	for _, ttl := range []struct{ was, least int }{{60_000, 0}, {40_000, 90_000}} {
		do(t, server, "PEXPIRE", terms, strconv.Itoa(ttl.was))
		do(t, server, "PEXPIRE", left, strconv.Itoa(ttl.was))
		do(t, server, args...)
		for _, key := range []string{terms, left} {
			now, err := strconv.Atoi(do(t, server, "PTTL", key))
			must(t, err)
			if ttl.least == 0 && now > ttl.was || now < ttl.least {
				t.Errorf("%s lives %d ms more after %d", key, now, ttl.was)
			}
		}
	}
}

func TestCampaignsOnlyRise(t *testing.T) {
	server := testenv.SharedRedis(t)
	key := newPrefix() + ":campaign"
	for _, step := range []struct {
		set, raise, want string
	}{
		{"", "1", "1"},
		{"", "0", "1"},
		{"", "9", "9"},
		{"", "10", "10"},
		{"", "9007199254740993", "9007199254740993"},
		{"", "9007199254740992", "9007199254740993"},
		{"garbage", "3", "3"},
		{"007", "4", "4"},
		{"99999999999999999999", "5", "5"},
	} {
		if step.set != "" {
			do(t, server, "SET", key, step.set)
		}
		do(t, server, "EVAL", redisgate.RaiseText, "1", key, step.raise, "60000")
		if got := do(t, server, "GET", key); got != step.want {
			t.Errorf("%+v: %s", step, got)
		}
		if do(t, server, "PTTL", key) == "-1" {
			t.Errorf("%+v: it never ends", step)
		}
	}
	do(t, server, "DEL", key)
	do(t, server, "RPUSH", key, "a list")
	do(t, server, "EVAL", redisgate.RaiseText, "1", key, "6", "60000")
	if got := do(t, server, "GET", key); got != "6" {
		t.Errorf("over a list: %s", got)
	}
}
