// Package gatemodel is the protocol of the Redis gate as an explicit-state model, searched exhaustively:
// replicas, the store, Redis and all that travels between them, small enough that every interleaving of every
// action can be visited. docs/gate.md states the protocol; the tests of this package check it.
//
// The package promises that what its search visits is all that the model can do within a scene's bounds, and
// that a broken invariant is shown by a shortest story. It must not know how the gate is implemented: the rules
// stand here a second time, in the fewest words.
//
// Times. All clocks tick together; they differ by offsets that nobody knows. A clock's offset cancels out of
// every rule (a rule only ever subtracts two readings of one clock, or compares a sample's difference with
// another's), so a state keeps ages instead of readings: how many ticks ago something was. Nothing depends on
// how far beyond FreshFor an age is; there ages stop, and so the states are finitely many though time is not.
package gatemodel

// FreshFor is voucher.FactFreshFor, in ticks. With two ticks a fact can be new, half-way, or expired.
const FreshFor = 2

const (
	expired = FreshFor    // the age at which ages stop
	ahead   = expired + 1 // the age of what is stamped beyond every clock; it does not grow

	// leftUnheard is what a fact that was heard says of the uses left: nothing.
	leftUnheard = 3

	replicasMax  = 2
	customersMax = 3
	questionsMax = 2
	wireMax      = 2
)

// Status is what holds for everybody who has not won. Within a version it only grows.
type Status uint8

// The statuses; Nothing where there is no fact.
const (
	Nothing Status = iota
	NotStarted
	Open
	SoldOut
	Disabled
)

// Fact is what the store said of the one voucher; the zero Fact says nothing.
type Fact struct {
	Status            Status
	Campaign, Voucher uint8 // the two parts of the version
	Left              uint8
	Fresh             int8 // for how many ticks it may refuse
	Age               int8 // since the store judged it; in a replica's gate, since it counts as asked for
	Lie               bool // nobody in the protocol looks at it: the store never said so
}

func (f Fact) sum() uint8 { return f.Campaign + f.Voucher }

// rank orders facts as they follow one another in the store.
func (f Fact) rank() uint8 { return f.sum()<<3 + uint8(f.Status) }

// later reports whether f was judged, or says that it was judged, after g.
func (f Fact) later(g Fact) bool {
	if f.Age == ahead || g.Age == ahead {
		return f.Age == ahead && g.Age != ahead
	}
	return f.Age < g.Age
}

func (f Fact) closed() bool { return f.Status != Nothing && f.Status != Open }

// Claim is what a customer has of the voucher.
type Claim uint8

// The claims. What was given back still counts for the filter of winners.
const (
	Never Claim = iota
	Standing
	Reversed
)

// Customer is one customer in the store, and what the invariants must remember of the past.
type Customer struct {
	Claim Claim
	// Won is the version's sum at which the customer first won.
	Won uint8
	// Refused is, by status, how long ago the store would last have refused the customer so.
	Refused [Disabled + 1]int8
}

// Store is the truth.
type Store struct {
	Limit             uint8
	Campaign, Voucher uint8
	Disabled          bool
	StartIn           int8 // ticks until the window opens
	Customers         [customersMax]Customer
}

// Effect is what a question to the store does there, besides being answered with a fact.
type Effect uint8

// The effects. An administrator's change of the campaign (Toggle) is answered with the campaign alone.
const (
	Idle Effect = iota
	Look
	Redeem
	Rollback
	Raise
	Toggle
)

// Question is a batch, a look-up or an administrator's change, on its way: asked, judged, and then settled.
type Question struct {
	Effect   Effect
	Customer int
	Asked    int8 // age
	Slack    int8 // ticks from asking to judging
	Fact     Fact // Nothing until it is judged
}

// Reading is a reading of the winners in one snapshot, on its way.
type Reading struct {
	Under   bool
	Fact    Fact // the closure that was seen; its age means nothing
	Winners uint8
}

// Check is one entry's reconciliation, on its way.
type Check struct {
	Stage CheckStage
	Entry Fact
}

// CheckStage is how far a reconciliation is.
type CheckStage uint8

// The stages: the entry was read; the store was asked and contradicts it.
const (
	NoCheck CheckStage = iota
	Read
	Doomed
)

// Replica is one process: its gate, its bound of the store's clock and its work in flight.
type Replica struct {
	Fact     Fact
	Filtered bool  // the winners of the fact's closure came,
	Winners  uint8 // as a set of customers
	Floor    uint8 // of the campaign's version
	Told     uint8 // nobody in the protocol looks at it: the highest rank that this replica was told

	Settled, Trust, Forgotten int8 // ages: since a fact came, since what facts are trusted, since one was forgotten

	// Slack bounds the store's clock: at this moment it shows at most what the replica's own shows, and Slack.
	// It is below zero in mutants only.
	Slack int8

	Questions [questionsMax]Question
	Heard     Fact // read from Redis, not settled yet
	Reading   Reading
	Check     Check
}

// Redis is its one entry, and the copy that a failover would make the entry.
type Redis struct {
	Entry, Standby Fact
}

// State is everything at one moment.
type State struct {
	Store    Store
	Replicas [replicasMax]Replica
	Redis    Redis
	Wire     [wireMax]Fact // publications on their way, in no order
	Changes  uint8         // administrators' changes that may still come
	Lies     uint8
}
