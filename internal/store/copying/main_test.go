package copying_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"scrip/internal/access"
	"scrip/internal/id"
	"scrip/internal/ledger"
	"scrip/internal/store"
	"scrip/internal/store/copying"
	"scrip/internal/store/pgstore"
	"scrip/internal/store/sqlitestore"
	"scrip/internal/testenv"
	"scrip/internal/voucher"
)

// The environment of a child process, which copies instead of running tests.
const (
	childFrom  = "COPYING_TEST_FROM"
	childTo    = "COPYING_TEST_TO"
	childBatch = "COPYING_TEST_BATCH"
)

func TestMain(m *testing.M) {
	if from := os.Getenv(childFrom); from != "" {
		os.Exit(child(from, os.Getenv(childTo), os.Getenv(childBatch)))
	}
	testenv.Main(m)
}

// child copies as the command does, and says so on the way.
func child(from, to, batch string) int {
	most, err := strconv.Atoi(batch)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	fmt.Println("began")
	report, err := carry(context.Background(), from, to, copying.Config{BatchMax: most})
	switch {
	case err != nil:
		fmt.Fprintln(os.Stderr, err)
		return 2
	case !report.Exact():
		fmt.Fprintf(os.Stderr, "%+v\n", report)
		return 1
	}
	return 0
}

// side is an open source or target.
type side interface {
	store.Exporter
	store.Auditor
	Close() error
}

func openSource(ctx context.Context, where string) (side, error) {
	if strings.HasPrefix(where, "postgres:") {
		return pgstore.OpenSource(ctx, pgstore.Config{URL: where, MaxConns: 4})
	}
	return sqlitestore.OpenSource(ctx, where)
}

// target is an open target.
type target interface {
	copying.Target
	Close() error
}

func openTarget(ctx context.Context, where string) (target, error) {
	if strings.HasPrefix(where, "postgres:") {
		return pgstore.OpenTarget(ctx, pgstore.Config{URL: where, MaxConns: 4})
	}
	return sqlitestore.OpenTarget(ctx, sqlitestore.Config{Path: where})
}

// carry copies from one place to another.
func carry(ctx context.Context, from, to string, cfg copying.Config) (_ *copying.Report, err error) {
	source, err := openSource(ctx, from)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, source.Close()) }()
	into, err := openTarget(ctx, to)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, into.Close()) }()
	return copying.Run(ctx, source, into, cfg)
}

// exact copies and fails the test unless both sides are the same.
func exact(t *testing.T, from, to string, cfg copying.Config) *copying.Report {
	t.Helper()
	report, err := carry(t.Context(), from, to, cfg)
	if err != nil {
		t.Fatal(err)
	}
	if !report.Exact() {
		t.Fatalf("not exact: %+v", report)
	}
	return report
}

// records are all that is told of a place.
func records(t *testing.T, where string) []string {
	t.Helper()
	s, err := openSource(t.Context(), where)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	err = s.Export(t.Context(), store.Place{}, func(r store.Record) error {
		all = append(all, string(r.Append(nil)))
		return nil
	})
	if err := errors.Join(err, s.Close()); err != nil {
		t.Fatal(err)
	}
	return all
}

// newFile is where a database may be made.
func newFile(t *testing.T) string {
	t.Helper()
	return filepath.Join(t.TempDir(), sqlitestore.FileName)
}

// write runs do on the store of a file, as a server would.
func write(t *testing.T, path string, do func(s store.Store)) {
	t.Helper()
	s, err := sqlitestore.Open(t.Context(), sqlitestore.Config{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	do(s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// lived makes a file with a history: winners customers of a code, each with a key, every third of them with a
// rollback and every fifth with a payment.
func lived(t *testing.T, winners int) string {
	t.Helper()
	path := newFile(t)
	write(t, path, func(s store.Store) { live(t, s, winners) })
	return path
}

// key is the key of every history, whose secret must open whatever was copied.
func key() access.Key {
	return access.Key{
		ID: id.ID{6: 0x70, 8: 0x80, 15: 1}, Name: "desk", Kind: access.Secret, Scopes: access.All, Hash: sha256.Sum256([]byte("sk_desk")), Tail: "desk",
	}
}

func live(t *testing.T, s store.Store, winners int) {
	t.Helper()
	now := time.Now()
	c := &voucher.Campaign{ID: id.New(now), Name: "Nowruz", Currency: "IRR", Effect: voucher.Effect{Kind: voucher.Credit, AmountMinor: 1000}}
	v := voucher.Voucher{ID: id.New(now), CampaignID: c.ID, Code: "salam", Key: "SA1AM", PerCustomer: 1}
	made := store.Creation{Campaign: c, Vouchers: []voucher.Voucher{v}, Key: "made"}
	if _, _, err := s.Create(t.Context(), made); err != nil {
		t.Fatal(err)
	}
	if _, err := s.CreateKey(t.Context(), key(), true, access.By{Name: access.NameServer}); err != nil {
		t.Fatal(err)
	}
	var commands []store.Command
	for i := range winners {
		name := fmt.Sprintf("مشتری-%07d", i*7919%winners)
		r := &store.Redeem{ID: id.New(now), Code: "SA1AM", Customer: name, Key: "k"}
		commands = append(commands, r)
		if i%3 == 0 {
			commands = append(commands, &store.Rollback{ID: id.New(now), Redemption: r.ID, Reason: "asked for", Key: "b"})
		}
		if i%5 == 0 {
			commands = append(commands, &store.Post{ID: id.New(now), Kind: ledger.Credit, Customer: name, Currency: "EUR", AmountMinor: 1})
		}
		if len(commands) >= 1000 || i == winners-1 {
			if _, err := s.Apply(t.Context(), commands); err != nil {
				t.Fatal(err)
			}
			commands = nil
		}
	}
}
