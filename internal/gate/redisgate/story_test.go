package redisgate_test

import (
	"slices"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"scrip/internal/gate"
	"scrip/internal/gate/redisgate"
	"scrip/internal/testenv"
	"scrip/internal/voucher"
)

// The story is of one voucher, a store that changes it, two replicas that ask the store and are told late, out
// of order and twice, and a Redis that is flushed now and then. Whatever reaches them when, by Redis or by
// themselves:
//
//	A refusal is sound if there was a moment, within the last voucher.FactFreshFor, at which the store would
//	have refused alike.
//
// The time is the test's, but for that of Redis, which comes in between when it likes.
func TestNoRefusalWithoutATrueCause(t *testing.T) {
	server := testenv.NewRedis(t, testenv.RedisOptions{})
	s := &story{server: server, clock: newClock()}
	cfg := redisgate.Config{URL: server.URL(), Prefix: newPrefix(), Clock: s.clock.Now}
	s.replicas = []*replica{newReplica(t, cfg).shared(), newReplica(t, cfg).shared()}
	rapid.Check(t, func(rt *rapid.T) {
		s.begin(rt)
		for range 60 {
			s.step()
		}
	})
	for i, r := range s.replicas {
		if r.count(redisgate.EventHeard) == 0 || r.count(redisgate.EventTooOld) == 0 {
			t.Errorf("replica %d has heard nothing new, or nothing old", i)
		}
		t.Logf("replica %d: heard %d, too old %d, refused %d times", i, r.count(redisgate.EventHeard), r.count(redisgate.EventTooOld), s.refused[i])
	}
	if s.refused[0] == 0 || s.refused[1] == 0 {
		t.Errorf("refused %v", s.refused)
	}
}

type story struct {
	*rapid.T
	server   *testenv.Redis
	clock    *clock
	replicas []*replica
	stories  int
	refused  [2]int

	fact      voucher.Fact // as it is
	past      []since      // and as it was; the last is how it is
	questions []question
}

// since is a status that holds from a time on.
type since struct {
	at     time.Time
	status voucher.Status
}

// question is an answer of the store that is on its way to a replica.
type question struct {
	asked time.Time
	fact  voucher.Fact
	to    *replica
}

func (s *story) begin(rt *rapid.T) {
	s.stories++
	s.T, s.questions = rt, nil
	s.fact = factOf("CODE"+strconv.Itoa(s.stories), s.stories, voucher.Open, 1)
	s.past = []since{{s.clock.Now(), s.fact.Status}}
}

func (s *story) step() {
	switch rapid.IntRange(0, 13).Draw(s.T, "step") {
	case 0, 1:
		s.clock.pass(rapid.SampledFrom([]time.Duration{
			1, time.Microsecond, time.Millisecond, 100 * time.Millisecond, 500 * time.Millisecond, time.Second - 1, time.Second, 3 * time.Second,
		}).Draw(s.T, "pass"))
	case 2:
		s.fact.Version.Voucher++ // a rollback, a raised limit, an administrator's change
		s.become(rapid.SampledFrom([]voucher.Status{
			voucher.Open, voucher.Open, voucher.SoldOut, voucher.Disabled, voucher.Ended,
		}).Draw(s.T, "status"))
	case 3:
		if s.fact.Status == voucher.Open { // the last one is taken
			s.become(voucher.SoldOut)
		}
	case 4, 5, 6:
		s.ask()
	case 7, 8, 9:
		s.tell()
	case 10:
		if rapid.IntRange(0, 9).Draw(s.T, "flush") == 0 {
			do(s, s.server, "FLUSHALL")
		}
	case 11, 12:
		time.Sleep(time.Millisecond) // Redis has its say
	default:
	}
	for i, r := range s.replicas {
		s.admit(i, r)
	}
}

func (s *story) become(status voucher.Status) {
	s.fact.Status = status
	s.past = append(s.past, since{s.clock.Now(), status})
}

// ask asks the store, which answers after a while.
func (s *story) ask() {
	q := question{asked: s.clock.Now(), to: rapid.SampledFrom(s.replicas).Draw(s.T, "replica")}
	if rapid.Bool().Draw(s.T, "slowly") {
		s.clock.pass(200 * time.Millisecond)
	}
	q.fact = factAt(s.fact, s.clock.Now().Add(storeAhead).Truncate(time.Microsecond))
	s.questions = append(s.questions, q)
}

func (s *story) tell() {
	if len(s.questions) == 0 {
		return
	}
	n := rapid.IntRange(0, len(s.questions)-1).Draw(s.T, "question")
	q := s.questions[n]
	q.to.Settle(q.asked, q.fact)
	if rapid.Bool().Draw(s.T, "for the last time") {
		s.questions = slices.Delete(s.questions, n, n+1)
	}
}

func (s *story) admit(i int, r *replica) {
	d := r.Admit(s.fact.Key, loser)
	if d.Want&gate.WantWinners != 0 {
		r.SettleWinners(d.Fact, winners(r.t))
		d = r.Admit(s.fact.Key, loser)
	}
	if d.Refusal == nil {
		return
	}
	s.refused[i]++
	oldest := s.clock.Now().Add(-voucher.FactFreshFor)
	for n, was := range slices.Backward(s.past) {
		if n+1 < len(s.past) && s.past[n+1].at.Before(oldest) {
			break
		}
		if was.status.Refusal() == d.Refusal {
			return
		}
	}
	s.Fatalf("replica %d refuses with %s, and the store would not have for a second: %+v", i, d.Refusal.Code, s.past)
}
