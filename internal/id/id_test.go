package id_test

import (
	"bytes"
	"cmp"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"scrip/internal/fault"
	"scrip/internal/id"
)

func TestNewCarriesVersionVariantAndTime(t *testing.T) {
	t.Parallel()
	for _, now := range []time.Time{
		time.Unix(0, 0),
		time.Date(2026, 3, 20, 14, 45, 59, 999_999_999, time.FixedZone("", 3*3600+1800)),
		time.UnixMilli(1<<48 - 1),
	} {
		for range 100 {
			i := id.New(now)
			if got, want := i.Time(), now.Truncate(time.Millisecond); !got.Equal(want) || got.Location() != time.UTC {
				t.Fatalf("New(%v).Time() = %v", now, got)
			}
			if i[6]>>4 != 7 || i[8]>>6 != 0b10 || i.IsZero() {
				t.Fatalf("New(%v) = %x is no UUIDv7", now, i)
			}
		}
	}
}

func TestNewHoldsTimeToItsRange(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ now, want time.Time }{
		{time.Time{}, time.Unix(0, 0)},
		{time.UnixMilli(-1), time.Unix(0, 0)},
		{time.UnixMilli(1 << 48), time.UnixMilli(1<<48 - 1)},
	} {
		if got := id.New(c.now).Time(); !got.Equal(c.want) {
			t.Errorf("New(%v).Time() = %v, want %v", c.now, got, c.want)
		}
	}
}

func TestNewNeverRepeats(t *testing.T) {
	t.Parallel()
	const makers, each = 8, 20_000
	now := time.Now()
	made := make([][]id.ID, makers)
	var wg sync.WaitGroup
	for m := range makers {
		wg.Go(func() {
			for range each {
				made[m] = append(made[m], id.New(now))
			}
		})
	}
	wg.Wait()
	seen := make(map[id.ID]bool, makers*each)
	for _, i := range slices.Concat(made...) {
		if seen[i] {
			t.Fatalf("%x was made twice", i)
		}
		seen[i] = true
	}
}

// The random bits are all in use: over many ids each of the 74 is sometimes set and sometimes not.
func TestNewUsesEveryRandomBit(t *testing.T) {
	t.Parallel()
	now := time.UnixMilli(0)
	var ever, always id.ID
	for at := range always {
		always[at] = 0xff
	}
	for range 1000 {
		for at, b := range id.New(now) {
			ever[at] |= b
			always[at] &= b
		}
	}
	want := id.ID{6: 0x7f, 7: 0xff, 8: 0xbf, 9: 0xff, 10: 0xff, 11: 0xff, 12: 0xff, 13: 0xff, 14: 0xff, 15: 0xff}
	if ever != want || always != (id.ID{6: 0x70, 8: 0x80}) {
		t.Errorf("bits ever set %x, always set %x", ever, always)
	}
}

func TestFormat(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ uuid, prefix, text string }{
		{"01890a5dac96774bbcceb302099a8057", "prefix", "prefix_01h455vb4pex5vsknk084sn02q"}, // TypeID's specification
		{"00000000000070008000000000000001", id.Voucher, "vch_0000000000e008000000000001"},  // the same
		{"0000000000007000900000000000000a", id.Campaign, "cmp_0000000000e00900000000000a"},
		{"ffffffffffff7fffbfffffffffffffff", id.Transaction, "txn_7zzzzzzzzzfzzvzzzzzzzzzzzz"},
	} {
		raw, err := hex.DecodeString(c.uuid)
		if err != nil {
			t.Fatal(err)
		}
		i := id.ID(raw)
		if got := i.Format(c.prefix); got != c.text {
			t.Errorf("%s: Format = %q, want %q", c.uuid, got, c.text)
		}
		if got := string(i.Append([]byte("x="), c.prefix)); got != "x="+c.text {
			t.Errorf("%s: Append = %q", c.uuid, got)
		}
		if got, err := id.Parse(c.prefix, c.text); err != nil || got != i {
			t.Errorf("Parse(%q) = %x, %v", c.text, got, err)
		}
	}
	long := strings.Repeat("p", 100)
	if got, err := id.Parse(long, id.ID{6: 0x70, 8: 0x80}.Format(long)); err != nil || got.Time() != time.Unix(0, 0).UTC() {
		t.Errorf("a long prefix: %x, %v", got, err)
	}
}

func TestParseTakesOneSpellingOnly(t *testing.T) {
	t.Parallel()
	const good = "rdm_01h455vb4pex5vsknk084sn02q"
	if _, err := id.Parse(id.Redemption, good); err != nil {
		t.Fatal(err)
	}
	for name, s := range map[string]string{
		"empty":            "",
		"prefix alone":     "rdm",
		"no text":          "rdm_",
		"another prefix":   "vch_01h455vb4pex5vsknk084sn02q",
		"upper case":       "rdm_01H455VB4PEX5VSKNK084SN02Q",
		"upper prefix":     "RDM_01h455vb4pex5vsknk084sn02q",
		"hyphen":           "rdm-01h455vb4pex5vsknk084sn02q",
		"no prefix":        "01h455vb4pex5vsknk084sn02q",
		"short":            good[:len(good)-1],
		"long":             good + "0",
		"space before":     " " + good[:len(good)-1],
		"line end":         good + "\n",
		"i for 1":          "rdm_0ih455vb4pex5vsknk084sn02q",
		"l for 1":          "rdm_0lh455vb4pex5vsknk084sn02q",
		"o for 0":          "rdm_o1h455vb4pex5vsknk084sn02q",
		"u":                "rdm_01h455vb4pex5vsknk084sn02u",
		"129 bits":         "rdm_81h455vb4pex5vsknk084sn02q",
		"version 4":        "rdm_01h455vb4p8x5vsknk084sn02q",
		"wrong variant":    "rdm_01h455vb4pex5zsknk084sn02q",
		"zero":             "rdm_00000000000000000000000000",
		"Persian digit":    "rdm_01h455vb4pex5vsknk084sn0۲",
		"not UTF-8":        "rdm_01h455vb4pex5vsknk084sn02\xff",
		"NUL":              "rdm_01h455vb4pex5vsknk084sn02\x00",
		"a plain UUID":     "01890a5d-ac96-774b-bcce-b302099a8057",
		"a very long text": strings.Repeat("0", 10_000),
	} {
		if i, err := id.Parse(id.Redemption, s); !errors.Is(err, fault.ErrInvalidID) || !i.IsZero() {
			t.Errorf("%s: Parse(%.40q) = %x, %v", name, s, i, err)
		}
	}
}

func TestTextSortsAsBytesAndTime(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var ids []id.ID
	for n := range 2000 {
		ids = append(ids, id.New(start.Add(time.Duration(n*7919%1000)*time.Millisecond)))
	}
	slices.SortFunc(ids, func(a, b id.ID) int { return bytes.Compare(a[:], b[:]) })
	byText := func(a, b id.ID) int { return cmp.Compare(a.Format(id.Request), b.Format(id.Request)) }
	byTime := func(a, b id.ID) int { return a.Time().Compare(b.Time()) }
	if !slices.IsSortedFunc(ids, byText) || !slices.IsSortedFunc(ids, byTime) {
		t.Error("ids sorted by their bytes are not sorted by their text and time")
	}
}

func TestNothingAllocates(t *testing.T) {
	now, buf := time.Now(), make([]byte, 0, 64)
	text := id.New(now).Format(id.Voucher)
	for name, f := range map[string]func(){
		"New":    func() { _ = id.New(now) },
		"Append": func() { _ = id.New(now).Append(buf, id.Redemption) },
		"Parse":  func() { _, _ = id.Parse(id.Voucher, text) },
	} {
		if n := testing.AllocsPerRun(100, f); n != 0 {
			t.Errorf("%s allocates %v times", name, n)
		}
	}
}

func BenchmarkNew(b *testing.B) {
	now := time.Now()
	b.ReportAllocs()
	for b.Loop() {
		_ = id.New(now)
	}
}

func BenchmarkAppend(b *testing.B) {
	i, buf := id.New(time.Now()), make([]byte, 0, 64)
	b.ReportAllocs()
	for b.Loop() {
		_ = i.Append(buf, id.Redemption)
	}
}

func BenchmarkParse(b *testing.B) {
	text := id.New(time.Now()).Format(id.Redemption)
	b.ReportAllocs()
	for b.Loop() {
		_, _ = id.Parse(id.Redemption, text)
	}
}
