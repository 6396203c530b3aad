package limit

import (
	"fmt"
	"time"
)

// Rate is an allowance: Burst at once, and one more each Every. The zero Rate limits nothing.
type Rate struct {
	Every time.Duration // above zero
	Burst int64         // at least 1
}

// reachMax bounds how long a bucket may take to fill: longer is a slip, and times stay far from overflow.
const reachMax = 31 * 24 * time.Hour

// PerSecond is n a second, with a burst of as many or of burst where that is not zero. What is out of
// bounds is brought within them.
func PerSecond(n, burst int64) Rate {
	if n <= 0 {
		return Rate{}
	}
	r := Rate{Every: max(1, time.Second/time.Duration(n)), Burst: burst}
	if r.Burst <= 0 {
		r.Burst = n
	}
	r.Burst = min(r.Burst, int64(reachMax/r.Every))
	return r
}

// None reports whether nothing is limited.
func (r Rate) None() bool { return r.Every == 0 }

// Check says what is wrong with r; nil for the zero Rate.
func (r Rate) Check() error {
	switch {
	case r == Rate{}:
		return nil
	case r.Every <= 0 || r.Burst < 1:
		return fmt.Errorf("one each %v with a burst of %d; both must be above zero", r.Every, r.Burst)
	case r.Burst > int64(reachMax/r.Every):
		return fmt.Errorf("one each %v with a burst of %d takes more than %v to fill; use a smaller burst", r.Every, r.Burst, reachMax)
	default:
		return nil
	}
}

// times is r n times over.
func (r Rate) times(n int64) Rate {
	if r.None() {
		return r
	}
	return Rate{Every: max(1, r.Every/time.Duration(n)), Burst: r.Burst * n}
}

// reach is how far ahead of the present a bucket's time may stand, in nanoseconds.
func (r Rate) reach() int64 { return int64(r.Every) * r.Burst }
