package gatemodel

// Mutant is one rule of the protocol left out or broken. Each must break an invariant, or the rule would be idle.
type Mutant uint8

// The mutants.
const (
	Faithful Mutant = iota // the protocol as it is

	// Of a fact's age.
	AskedAtReply      // an answer counts from when it came, not from when it was asked for
	AgeFromArrival    // what is heard counts from its arrival
	WallClockTrusted  // what is heard is aged by the replica's own wall clock, which is a tick ahead
	SampleAtReply     // the store's clock is bounded from when the answer came
	SampleFromHearsay // what is heard counts as a sample of the store's clock
	AheadIsNow        // a stamp beyond the bound counts as just now
	OldIsSettled      // what is heard too late to refuse is settled nevertheless
	PublishRestamps   // a publication is stamped when it is executed
	FreshUntilStart   // what has not started refuses for the whole second
	RedisDecides      // what Redis says never expires

	// Of facts that go forward.
	OlderVersionSettles
	ClosedReopens
	LocalLeftRises
	OpenNotKept
	ForgottenIsTrusted
	FloorIgnored
	RollbackKeepsVersion

	// Of the winners.
	FilterNotAwaited
	FilterOutlivesClosure
	FilterOfAnyClosure
	FilterOfStanding
	FilterBeforeFact

	// Of the function in Redis.
	FunctionIgnoresVersion
	FunctionIgnoresStage
	FunctionIgnoresStamp
	FunctionLeftRises

	// Of reconciliation.
	ReconcileByVersion
	ReconcileWrites
	ReconcileUncompared
	ReconcileAsksFirst
	ReconcileNever

	mutantsEnd
)

// String names a mutant.
func (m Mutant) String() string {
	return [...]string{
		Faithful:               "faithful",
		AskedAtReply:           "asked at reply",
		AgeFromArrival:         "age from arrival",
		WallClockTrusted:       "wall clock trusted",
		SampleAtReply:          "sample at reply",
		SampleFromHearsay:      "sample from hearsay",
		AheadIsNow:             "ahead is now",
		OldIsSettled:           "old is settled",
		PublishRestamps:        "publish restamps",
		FreshUntilStart:        "fresh until start",
		RedisDecides:           "Redis decides",
		OlderVersionSettles:    "older version settles",
		ClosedReopens:          "closed reopens",
		LocalLeftRises:         "local left rises",
		OpenNotKept:            "open not kept",
		ForgottenIsTrusted:     "forgotten is trusted",
		FloorIgnored:           "floor ignored",
		RollbackKeepsVersion:   "rollback keeps version",
		FilterNotAwaited:       "filter not awaited",
		FilterOutlivesClosure:  "filter outlives closure",
		FilterOfAnyClosure:     "filter of any closure",
		FilterOfStanding:       "filter of standing",
		FilterBeforeFact:       "filter before fact",
		FunctionIgnoresVersion: "function ignores version",
		FunctionIgnoresStage:   "function ignores stage",
		FunctionIgnoresStamp:   "function ignores stamp",
		FunctionLeftRises:      "function left rises",
		ReconcileByVersion:     "reconcile by version",
		ReconcileWrites:        "reconcile writes",
		ReconcileUncompared:    "reconcile uncompared",
		ReconcileAsksFirst:     "reconcile asks first",
		ReconcileNever:         "reconcile never",
	}[m]
}
