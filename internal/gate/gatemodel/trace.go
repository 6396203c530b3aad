package gatemodel

import (
	"fmt"
	"strings"
)

// String names a status.
func (s Status) String() string {
	return [...]string{"nothing", "not started", "open", "sold out", "disabled"}[s]
}

// String shows a fact on one line.
func (f Fact) String() string {
	if f.Status == Nothing {
		return "nothing"
	}
	text := fmt.Sprintf("%s, version %d, %d left, %s", f.Status, f.sum(), f.Left, ageName(f.Age))
	if f.Lie {
		text += ", a lie"
	}
	return text
}

func ageName(age int8) string {
	switch age {
	case 0:
		return "of now"
	case ahead:
		return "of the future"
	default:
		return ticks(int(age)) + " old"
	}
}

func ticks(n int) string {
	if n == 1 {
		return "1 tick"
	}
	return fmt.Sprintf("%d ticks", n)
}

func replicaName(r int) string  { return fmt.Sprintf("replica %d", r+1) }
func customerName(c int) string { return "ABC"[c : c+1] }

// Story is a way through the model, a line for each step, and what is wrong at its end.
func (f *Found) Story() string {
	var b strings.Builder
	for i, step := range f.Trace {
		fmt.Fprintf(&b, "%3d. %s\n", i+1, tell(step, &f.Path[i], &f.Path[i+1]))
	}
	fmt.Fprintf(&b, "     %s", f.Wrong)
	return b.String()
}

// tell is a step in words.
func tell(step Step, s, t *State) string {
	who := replicaName(step.Replica)
	g, h := &s.Replicas[step.Replica], &t.Replicas[step.Replica]
	switch step.Action {
	case Tick:
		return "a tick passes"
	case Ask:
		return fmt.Sprintf("%s asks the store %s", who, effectName(step))
	case Elsewhere, ElsewherePublished:
		text := fmt.Sprintf("another replica asks the store %s, which says: %s", effectName(step), t.Store.fact())
		if step.Action == ElsewherePublished {
			text += "; it publishes"
		}
		return text
	case Judge:
		return fmt.Sprintf("the store judges what %s asked: %s", who, h.Questions[step.Slot].Fact)
	case Settle, SettleAndPublish:
		text := fmt.Sprintf("%s settles the answer (%s) and knows: %s", who, g.Questions[step.Slot].Fact, h.Fact)
		if step.Action == SettleAndPublish {
			text += "; it publishes"
		}
		return text
	case Drop:
		return who + " loses an answer"
	case ReadEntry:
		if h.Heard.Status == Nothing {
			return fmt.Sprintf("%s reads from Redis (%s) and knows: %s", who, s.Redis.Entry, h.Fact)
		}
		return fmt.Sprintf("%s reads from Redis: %s", who, h.Heard)
	case Hear:
		return fmt.Sprintf("%s settles what it read (%s) and knows: %s", who, g.Heard, h.Fact)
	case ReadWinners:
		return fmt.Sprintf("the winners are read for %s: %s, of %s", who, setName(h.Reading.Winners), h.Reading.Fact)
	case SettleWinners:
		return fmt.Sprintf("%s settles the winners %s", who, setName(g.Reading.Winners))
	case Forget:
		return who + " forgets its fact, for want of room"
	case Loosen:
		return who + " has no sample of the store's clock any more"
	case Restart:
		return who + " restarts"
	case CheckRead, CheckAsk, CheckEnd:
		return tellCheck(step, s, t)
	default:
		return tellRedis(step, s, t)
	}
}

func tellCheck(step Step, s, t *State) string {
	who := replicaName(step.Replica)
	switch step.Action {
	case CheckRead:
		return fmt.Sprintf("%s begins to reconcile: %s", who, t.Replicas[step.Replica].Check.Entry)
	case CheckAsk:
		if t.Replicas[step.Replica].Check.Stage == Doomed {
			return who + " reconciles: the store contradicts it"
		}
		return who + " reconciles: the store does not contradict it"
	default:
		return fmt.Sprintf("%s ends to reconcile: the entry was %s, and is %s", who, s.Redis.Entry, t.Redis.Entry)
	}
}

func tellRedis(step Step, s, t *State) string {
	switch step.Action {
	case Execute:
		return fmt.Sprintf("Redis executes the publication of %s; the entry is: %s", s.Wire[step.Slot], t.Redis.Entry)
	case Lose:
		return fmt.Sprintf("the publication of %s comes no more", s.Wire[step.Slot])
	case Flush:
		return "Redis is flushed"
	case Copy:
		return fmt.Sprintf("the standby copies: %s", t.Redis.Standby)
	case Failover:
		return fmt.Sprintf("Redis fails over to: %s", t.Redis.Entry)
	case Lie:
		return fmt.Sprintf("Redis holds what the store never said: %s", t.Redis.Entry)
	default:
		return fmt.Sprintf("action %d", step.Action)
	}
}

func effectName(step Step) string {
	return [...]string{
		Look: "what holds", Redeem: "for a use for " + customerName(step.Customer),
		Rollback: "to give back the use of " + customerName(step.Customer), Raise: "to raise the limit",
		Toggle: "to disable or enable the campaign", Idle: "nothing",
	}[step.Effect]
}

func setName(set uint8) string {
	var names []string
	for c := range customersMax {
		if set>>c&1 == 1 {
			names = append(names, customerName(c))
		}
	}
	return "{" + strings.Join(names, " ") + "}"
}
