package cli_test

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"scrip/internal/id"
	"scrip/internal/ledger"
	"scrip/internal/store"
	"scrip/internal/store/memstore"
	"scrip/internal/store/sqlitestore"
)

// sealed has n transfers in a store, each in a seal of its own, and returns the seals as they are published.
func sealed(t *testing.T, s store.Store, n int) (published []string) {
	t.Helper()
	for range n {
		outs, err := s.Apply(t.Context(), []store.Command{&store.Post{
			ID: id.New(time.Now()), Kind: ledger.Credit, Customer: "ali", Currency: "IRR", AmountMinor: 1,
		}})
		if err != nil || outs[0].Refusal != nil {
			t.Fatal(outs, err)
		}
		made, _, err := s.Seal(t.Context(), store.Sealing{Max: 10})
		if err != nil || made == nil {
			t.Fatal(made, err)
		}
		published = append(published, store.PublishedSeal{Number: made.Number, Hash: made.Hash}.String())
	}
	return published
}

// An outsider looks at the newest seal, and holds the server to one that was kept.
func TestSeals(t *testing.T) {
	t.Parallel()
	s := memstore.New(memstore.Options{})
	where := "--url=" + face(t, s, nil, "IRR")
	if got := run(t, "", "seal", "latest", where); got.code != 1 || !strings.Contains(got.stderr, "seal_not_found") {
		t.Errorf("without a seal: %+v", got)
	}
	kept := sealed(t, s, 3)
	other := strings.Replace(kept[0], kept[0][:4], "1:00", 1)
	if other == kept[0] {
		other = kept[0][:2] + "ff" + kept[0][4:]
	}
	for _, c := range []struct {
		args, says string
		code       int
	}{
		{"seal latest", kept[2], 0},
		{"seal latest", "3 transactions are sealed", 0},
		{"seal check " + kept[0], "unbroken from seal 1 to seal 3", 0},
		{"seal check " + kept[2], kept[2], 0},
		{"seal check " + other, "seal 1 was", 1},
		{"seal check 9" + kept[0][1:], "seal 9 is not there any more", 1},
		{"seal check salam", "NUMBER:HASH", 2},
	} {
		got := run(t, "", append(strings.Fields(c.args), where)...)
		if got.code != c.code || !strings.Contains(got.stdout+got.stderr, c.says) {
			t.Errorf("%s: exit %d, want %d and %q\n%s%s", c.args, got.code, c.code, c.says, got.stdout, got.stderr)
		}
	}
	var out struct {
		Unbroken bool
		Newest   struct{ Number, Total int64 }
	}
	got := run(t, "", "seal", "check", kept[1], "--json", where)
	if err := json.Unmarshal([]byte(got.stdout), &out); err != nil || !out.Unbroken || out.Newest.Number != 3 || out.Newest.Total != 3 {
		t.Errorf("%v: %s", err, got.stdout)
	}
}

// The operator's database is held to seals that were published.
func TestVerifyHoldsToPublishedSeals(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	s, err := sqlitestore.Open(t.Context(), sqlitestore.Config{Path: filepath.Join(data, sqlitestore.FileName)})
	if err != nil {
		t.Fatal(err)
	}
	kept := sealed(t, s, 2)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	verify := func(args ...string) ran { return run(t, "", append([]string{"verify", "--data", data}, args...)...) }
	if got := verify("--seal", kept[0], "--seal", kept[1]); got.code != 0 || !strings.Contains(got.stdout, "2 transfers and 2 seals") {
		t.Errorf("what was published: %+v", got)
	}
	if got := verify("--seal", kept[1], "--seal", "2"+kept[0][1:]); got.code != 1 || !strings.Contains(got.stdout, "seal_chain_unbroken  seal 2  it was published as "+kept[0][2:]) {
		t.Errorf("another one: %+v", got)
	}
	if got := verify("--seal", "3"+kept[0][1:]); got.code != 1 || !strings.Contains(got.stdout, "cut off") {
		t.Errorf("one that is not there: %+v", got)
	}
	if got := verify("--seal", "x"); got.code != 2 || !strings.Contains(got.stderr, "NUMBER:HASH") {
		t.Errorf("none: %+v", got)
	}
}
