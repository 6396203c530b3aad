package store

import (
	"bytes"
	"testing"
	"time"

	"scrip/internal/id"
)

// The ids of events rise with each microsecond, are ids like all others, and stay below the bound of a pruning.
func TestEventIDsRise(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, time.March, 20, 14, 46, 0, 0, time.UTC)
	last := id.ID{}
	for i := range 2001 {
		at := start.Add(time.Duration(i) * time.Microsecond)
		made := eventID(at)
		if bytes.Compare(last[:], made[:]) >= 0 {
			t.Fatalf("at %v: %x after %x", at, made, last)
		}
		if read, err := id.Parse(id.Event, made.Format(id.Event)); err != nil || read != made {
			t.Fatalf("at %v: %x is read as %x, %v", at, made, read, err)
		}
		if !made.Time().Equal(at.Truncate(time.Millisecond)) {
			t.Fatalf("at %v: the id is of %v", at, made.Time())
		}
		if bound := PruneBound(at); bytes.Compare(made[:], bound[:]) >= 0 {
			t.Fatalf("at %v: %x is not below the bound %x", at, made, bound)
		}
		last = made
	}
	if bound := PruneBound(start.Add(-time.Millisecond)); bytes.Compare(last[:], bound[:]) < 0 {
		t.Errorf("%x is below the bound of an earlier time, %x", last, bound)
	}
}

func TestKeptTexts(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"": "", "صندوق": "صندوق", "a\x00b": "a\ufffdb", "\xff\xfe": "\ufffd", "a\xc3": "a\ufffd",
	} {
		if got := kept(given); got != want {
			t.Errorf("%q is kept as %q, want %q", given, got, want)
		}
	}
}
