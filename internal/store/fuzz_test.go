package store

import (
	"strings"
	"testing"
)

// FuzzPlace reads any bytes as places, which are kept in an unfinished copy. What is read is written so that it reads
// the same; and places are in one order, each behind the place before it.
func FuzzPlace(f *testing.F) {
	var last []byte
	for _, p := range places() {
		form := p.Append(nil)
		f.Add(form, last)
		last = form
	}
	f.Add([]byte{1, 2, 3}, append(make([]byte, 25), 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		p, err := ParsePlace(a)
		if err != nil {
			return
		}
		if again, err := ParsePlace(p.Append(nil)); err != nil || again != p && len(a) > 0 {
			t.Fatalf("%+v is read as %+v, %v", p, again, err)
		}
		q, err := ParsePlace(b)
		if err != nil {
			return
		}
		if p.Compare(q) != -q.Compare(p) || (p.Compare(q) == 0) != (p == q) {
			t.Fatalf("%+v and %+v are %d and %d", p, q, p.Compare(q), q.Compare(p))
		}
		for kind := RecordKind(1); kind < RecordKinds; kind++ {
			if from, ok := p.From(kind); ok != (p.Kind <= kind) || ok && from.Kind != kind {
				t.Fatalf("%s go on behind %+v at %+v, %t", kind, p, from, ok)
			}
		}
	})
}

// FuzzSeal reads any text as a seal that somebody kept. What is read is written so that it reads the same.
func FuzzSeal(f *testing.F) {
	f.Add("42:" + strings.Repeat("0f", 32))
	f.Add("042:" + strings.Repeat("0F", 32))
	f.Add("-1:" + strings.Repeat("00", 32))
	f.Add("1:")
	f.Add("")
	f.Fuzz(func(t *testing.T, s string) {
		p, err := ParsePublishedSeal(s)
		if err != nil {
			if p != (PublishedSeal{}) || len(err.Error()) > 1024 {
				t.Fatalf("%q is read as %v, %v", s, p, err)
			}
			return
		}
		if again, err := ParsePublishedSeal(p.String()); err != nil || again != p || p.Number < 1 {
			t.Fatalf("%q is read as %v, and that as %v, %v", s, p, again, err)
		}
	})
}
