package redisgate

// Observer is told what happens, for the metrics. Its methods must be fast and safe for concurrent use.
type Observer interface {
	// RedisUp says whether facts are shared: once when it is first known, and then at each change.
	RedisUp(up bool)
	// RedisCounted adds n, above zero, to the count of an event, one of Events.
	RedisCounted(event string, n int)
}

// The events.
const (
	EventPublished    = "published"     // a fact, or a campaign's version, that Redis took or had already
	EventHeard        = "heard"         // a fact, or a campaign's version, of Redis that the local gate was told
	EventDropped      = "dropped"       // what was to be published or looked at, and there was no room or no Redis
	EventTooOld       = "too_old"       // a fact that would refuse, judged too long ago
	EventFuture       = "future"        // a fact judged later than it can be by now: a lie, or a clock that stepped
	EventNoClock      = "no_clock"      // a fact heard while the store's clock is not known here
	EventGarbage      = "garbage"       // a value under one of our keys that is none of ours
	EventClockStepped = "clock_stepped" // the store's clock was found to have gone ahead
	EventError        = "error"         // an exchange with Redis that failed
	EventReconciled   = "reconciled"    // an entry that was compared with the store
	EventContradicted = "contradicted"  // an entry that contradicts the store, and was deleted
)

// Events lists all events, so that each can be there, at zero, from the start.
func Events() []string {
	return []string{
		EventPublished, EventHeard, EventDropped, EventTooOld, EventFuture, EventNoClock, EventGarbage,
		EventClockStepped, EventError, EventReconciled, EventContradicted,
	}
}

// nobody is the Observer where there is none.
type nobody struct{}

func (nobody) RedisUp(bool)             {}
func (nobody) RedisCounted(string, int) {}
