package pgstore

import (
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
)

// A constraint is known by its name, on Citus by that of its shard too, and by no other that begins or ends like it.
func TestViolatesKnowsShards(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"idempotency_pkey": true, "idempotency_pkey_102008": true, "idempotency_pkey_7": true,
		"idempotency_pkey_": false, "idempotency_pkey1": false, "idempotency_pkey_key": false, "idempotency_pkey_1_2": false,
		"old_idempotency_pkey": false, "voucher_code_key_key": false, "": false,
	} {
		err := fmt.Errorf("create: %w", &pgconn.PgError{Code: codeUniqueViolation, ConstraintName: name})
		if got := violates("idempotency_pkey")(err); got != want {
			t.Errorf("%q: %t", name, got)
		}
	}
	if violates("idempotency_pkey")(&pgconn.PgError{Code: codeSerialization, ConstraintName: "idempotency_pkey"}) {
		t.Error("another error is taken for a violation")
	}
}
