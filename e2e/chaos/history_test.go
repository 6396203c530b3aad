package chaos_test

import (
	"math"
	"slices"
	"sync"
	"time"
)

// verb is what was asked.
type verb string

const (
	redeem   verb = "redeem"
	rollback verb = "rollback"
	report   verb = "report"   // the uses that a code has left
	balance  verb = "balance"  // of a wallet
	setLimit verb = "limit"    // of a code
	setEnd   verb = "end"      // of a code's window
	disable  verb = "disable"  // a code
	enable   verb = "enable"   // a code
	final    verb = "the end"  // what is listed once all faults are undone
	credited verb = "credited" // what a wallet holds then
)

// answer is what came back, in the words of the model.
type answer string

const (
	done    answer = "done"    // it was won, reversed, changed or read
	already answer = "already" // the customer has won, or it was reversed already
	soldOut answer = "sold out"
	closed  answer = "disabled"
	ended   answer = "ended"
	notYet  answer = "not started"
	tooLow  answer = "limit below use"
	maybe   answer = "maybe" // none, or one that says that it may have happened
	nothing answer = "nothing"
	wrong   answer = "wrong" // one that must not be
)

// never is when the answer comes that never came.
const never = math.MaxInt64

// op is one request and its answer. Times are nanoseconds of Unix time on this process's clock, which never
// runs backwards.
type op struct {
	What       verb   `json:"what"`
	Code       string `json:"code,omitempty"`
	Customer   string `json:"customer,omitempty"`
	Key        string `json:"key,omitempty"`        // Idempotency-Key
	Redemption string `json:"redemption,omitempty"` // what a rollback names, or the receipt of an answer
	Value      int64  `json:"value,omitempty"`      // a limit; an end in Unix microseconds, 0 for none
	Server     string `json:"server,omitempty"`
	Client     int    `json:"client"`

	Call   int64 `json:"call"`
	Return int64 `json:"return"`
	// What the store's clock may have shown meanwhile, in Unix microseconds.
	Earliest int64 `json:"earliest,omitempty"`
	Latest   int64 `json:"latest,omitempty"`

	Answer   answer `json:"answer"`
	Text     string `json:"text,omitempty"` // of an answer that is no success
	Replayed bool   `json:"replayed,omitempty"`
	Rank     int64  `json:"rank,omitempty"`
	Amount   int64  `json:"amount,omitempty"`
	Balance  int64  `json:"balance,omitempty"` // minor units, right after it
	Count    int64  `json:"count,omitempty"`   // uses left of a report; uses that stand, of a change
}

// timebase makes the times of a history.
type timebase struct{ start time.Time }

func (b timebase) now() int64 { return b.start.UnixNano() + int64(time.Since(b.start)) }

// history is what an episode's crowd asked and was told.
type history struct {
	mu  sync.Mutex
	ops []*op
}

// add records an op whose answer has come, or will not.
func (h *history) add(ops ...*op) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ops = append(h.ops, ops...)
}

// by are the ops of each code, or of each customer, in the order of their calls.
func (h *history) by(of func(*op) string) map[string][]*op {
	h.mu.Lock()
	defer h.mu.Unlock()
	parts := map[string][]*op{}
	for _, o := range h.ops {
		if name := of(o); name != "" {
			parts[name] = append(parts[name], o)
		}
	}
	for _, ops := range parts {
		slices.SortStableFunc(ops, func(a, b *op) int { return int(min(max(a.Call-b.Call, -1), 1)) })
	}
	return parts
}

// clock knows what the store's clock may show. It shows this machine's time, within the slack, unless a fault
// moves it.
type clock struct {
	mu    sync.Mutex
	moves []move
}

// move is a time during which the store's clock may be ahead, behind, or not have passed a moment.
type move struct {
	begin, end int64 // nanoseconds; never while it lasts
	ahead      time.Duration
	behind     time.Duration
	stopped    bool // it may have stood still since begin
}

// clockSlack is how far two readings of one machine's clock may be apart.
const clockSlack = 100 * time.Millisecond

// begin says that the clock is about to be moved. The move lasts until end.
func (c *clock) begin(m move) (index int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	m.end = never
	c.moves = append(c.moves, m)
	return len(c.moves) - 1
}

func (c *clock) end(index int, at int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.moves[index].end = at
}

// between is what the store's clock may have shown from one moment to another, in Unix microseconds.
func (c *clock) between(call, ret int64) (earliest, latest int64) {
	early, late := call, ret
	c.mu.Lock()
	for _, m := range c.moves {
		if m.end < call || m.begin > ret {
			continue
		}
		early = min(early, call-int64(m.behind))
		if m.stopped {
			early = min(early, m.begin)
		}
		if ret != never {
			late = max(late, ret+int64(m.ahead))
		}
	}
	c.mu.Unlock()
	early -= int64(clockSlack)
	if ret != never {
		late += int64(clockSlack)
	}
	return early / 1000, late / 1000
}
