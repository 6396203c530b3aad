package pgstore_test

import (
	"crypto/sha256"
	"testing"
	"time"

	"scrip/internal/access"
	"scrip/internal/id"
	"scrip/internal/store"
	"scrip/internal/store/storetest"
)

// Two servers are asked at the same moment for one each of the last two keys with the scope admin, again and again: one
// is refused each time.
func TestTwoServersSpareTheLastAdminKey(t *testing.T) {
	t.Parallel()
	const rounds = 25
	stores := several(t, 2)
	by := access.By{Name: access.NameCLI}
	for range rounds {
		var made []id.ID
		for range 2 {
			k := access.Key{ID: id.New(time.Now()), Name: "admin", Kind: access.Secret, Scopes: access.Admin, Tail: "7zqd"}
			k.Hash = sha256.Sum256(k.ID[:])
			if _, err := stores[0].CreateKey(t.Context(), k, false, by); err != nil {
				t.Fatal(err)
			}
			made = append(made, k.ID)
		}
		storetest.LastAdmins(t.Context(), []store.Keys{stores[0], stores[1]}, by, made[0], made[1], func(err error) { t.Error(err) })
		for _, k := range made {
			if _, err := stores[1].AmendKey(t.Context(), k, access.KeyPatch{Revoke: true, Force: true}, by); err != nil {
				t.Fatal(err)
			}
		}
	}
}
