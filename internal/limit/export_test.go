package limit

// Collect takes what is owed, for the tests of exchanges.
func (l *Limiter) Collect() []Count { return l.collect(nil) }

// Merge takes in what was heard.
func (l *Limiter) Merge(counts []Count) { l.merge(counts) }
