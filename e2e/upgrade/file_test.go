package upgrade_test

import (
	"os"
	"path/filepath"
	"testing"

	"scrip/client"
	"scrip/e2e/crowd"
)

// An embedded store of the older version: this one brings it up as it starts, goes on where the older one was, and
// the older one refuses it from then on. A copy of the older file, as its backup was made, is restored by this
// version and brought up too.
func TestUpgradeOfAFile(t *testing.T) {
	t.Parallel()
	old := olderProgram(t)
	data := filepath.Join(t.TempDir(), "data")
	server, on := start(t, old, "old", "--data", data)
	c := crowd.New("crowd")
	if err := c.Make(t.Context(), on, "salam", 0); err != nil {
		t.Fatal(err)
	}
	var first *client.Redemption
	for _, customer := range []string{"ali", "bita", "cyrus"} {
		r, err := on.Client.Redeem(t.Context(), client.RedeemRequest{Code: "salam", Customer: customer}, client.IdempotencyKey(customer))
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = r
		}
	}
	stop(t, server)
	kept := filepath.Join(t.TempDir(), "kept.db")
	text, err := os.ReadFile(filepath.Join(data, "scrip.db"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(kept, text, 0o600); err != nil {
		t.Fatal(err)
	}

	server, on = start(t, program, "new", "--data", data)
	again, err := on.Client.Redeem(t.Context(), client.RedeemRequest{Code: "salam", Customer: "ali"}, client.IdempotencyKey("ali"))
	if err != nil || again.ID != first.ID || again.Rank != first.Rank {
		t.Errorf("asked again under the key, the answer is %+v, %v; it was %+v", again, err, first)
	}
	next, err := on.Client.Redeem(t.Context(), client.RedeemRequest{Code: "salam", Customer: "dara"})
	if err != nil || next.Rank != 4 {
		t.Errorf("the next winner: %+v, %v", next, err)
	}
	stop(t, server)
	done(t, program, "verify", "--data", data)
	if at := schema(t, program, "--data", data); at <= olderSchema {
		t.Fatalf("no migration was crossed: the schema is %d", at)
	}
	refusedByOlder(t, old, "--data", data)

	restored := filepath.Join(t.TempDir(), "restored")
	done(t, program, "restore", "--from", kept, "--data", restored)
	done(t, program, "verify", "--data", restored)
	_, on = start(t, program, "restored", "--data", restored)
	if next, err := on.Client.Redeem(t.Context(), client.RedeemRequest{Code: "salam", Customer: "dara"}); err != nil || next.Rank != 4 {
		t.Errorf("the next winner of what was restored: %+v, %v", next, err)
	}
}
