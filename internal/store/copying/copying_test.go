package copying_test

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"scrip/internal/access"
	"scrip/internal/id"
	"scrip/internal/ledger"
	"scrip/internal/store"
	"scrip/internal/store/copying"
	"scrip/internal/store/pgstore"
	"scrip/internal/store/sqlitestore"
	"scrip/internal/testenv"
)

// TestThereAndBack copies a file into PostgreSQL, that into another PostgreSQL and that into a file again.
func TestThereAndBack(t *testing.T) {
	t.Parallel()
	first := lived(t, 300)
	chain := []string{first, testenv.Database(t), testenv.Database(t), newFile(t)}
	want := records(t, first)
	for i := range chain[1:] {
		report := exact(t, chain[i], chain[i+1], copying.Config{BatchMax: 100})
		if report.Records != int64(len(want)) || report.Copied != report.Records || report.Counts[store.RedemptionKind] != 300 {
			t.Errorf("%+v", report)
		}
		if irr, eur := report.Money["IRR"], report.Money["EUR"]; irr.Wallets.String() != "200000" || irr.Given.String() != "200000" ||
			irr.Moved.String() != "400000" || eur.Wallets.String() != "60" || eur.Moved.String() != "60" {
			t.Errorf("%+v", report.Money)
		}
		if got := records(t, chain[i+1]); !slices.Equal(got, want) {
			t.Errorf("copy %d tells something else", i+1)
		}
		if report.Counts[store.AccessKeyKind] != 1 || report.Counts[store.EventKind] != 3 {
			t.Errorf("%+v", report.Counts)
		}
		opens(t, chain[i+1])
	}
}

// opens checks that the secret of the source opens the copy too, that the first key is taken there, and that its trail
// goes on.
func opens(t *testing.T, where string) {
	t.Helper()
	s, err := serve(t, where)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close() //nolint:errcheck // it only read
	keys, _, _, _, err := s.Ring(t.Context(), 0)
	if err != nil || len(keys) != 1 || keys[0].Hash != key().Hash || keys[0].Scopes != access.All {
		t.Errorf("%s: %+v, %v", where, keys, err)
	}
	if _, err := s.CreateKey(t.Context(), access.Key{ID: id.New(time.Now()), Name: "other"}, true, access.By{}); !errors.Is(err, store.ErrNotFirst) {
		t.Errorf("%s takes another first key: %v", where, err)
	}
	events, _, err := s.ListEvents(t.Context(), store.EventFilter{Object: key().ID.Format(id.Key)}, store.Page{Limit: 1})
	if err != nil || len(events) != 1 || events[0].By.Name != access.NameServer || events[0].Action != store.KeyCreated {
		t.Errorf("%s: %+v, %v", where, events, err)
	}
}

func TestProgressIsTold(t *testing.T) {
	t.Parallel()
	var stages []copying.Stage
	var last copying.Progress
	exact(t, lived(t, 50), newFile(t), copying.Config{BatchMax: 10, Progress: func(p copying.Progress) {
		if !slices.Contains(stages, p.Stage) {
			stages = append(stages, p.Stage)
		}
		if p.Stage == copying.Copying {
			if p.Done < last.Done || p.Done > p.Total {
				t.Errorf("%+v after %+v", p, last)
			}
			last = p
		}
	}})
	if want := []copying.Stage{copying.CheckingSource, copying.Copying, copying.CheckingTarget}; !slices.Equal(stages, want) {
		t.Errorf("stages %q, want %q", stages, want) // so few are read and compared without a word
	}
	if last.Done == 0 || last.Done != last.Total {
		t.Errorf("at the end %+v", last)
	}
}

// interrupted copies until so many records are there.
func interrupted(t *testing.T, from, to string, after int64) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	_, err := carry(ctx, from, to, copying.Config{BatchMax: 10, Progress: func(p copying.Progress) {
		if p.Stage == copying.Copying && p.Done >= after {
			stop()
		}
	}})
	if err == nil {
		t.Fatal("it was not interrupted")
	}
}

// serve opens a place as a server does.
func serve(t *testing.T, where string) (store.Store, error) {
	t.Helper()
	if strings.HasPrefix(where, "postgres:") {
		return pgstore.Open(t.Context(), pgstore.Config{URL: where, MaxConns: 4})
	}
	return sqlitestore.Open(t.Context(), sqlitestore.Config{Path: where})
}

// places make an empty place of each driver.
func places() map[string]func(t *testing.T) string {
	return map[string]func(t *testing.T) string{
		"sqlite":   newFile,
		"postgres": func(t *testing.T) string { t.Helper(); return testenv.Database(t) },
	}
}

func TestAnUnfinishedCopyIsNotServed(t *testing.T) {
	t.Parallel()
	for name, fresh := range places() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			to := fresh(t)
			from := lived(t, 50)
			interrupted(t, from, to, 40)
			if s, err := serve(t, to); !errors.Is(err, store.ErrUnfinishedCopy) || !strings.Contains(err.Error(), "scrip copy") {
				t.Fatalf("it opened: %v, %v", s, err)
			}
			if _, err := openSource(t.Context(), to); !errors.Is(err, store.ErrUnfinishedCopy) {
				t.Fatalf("it is a source: %v", err)
			}
			report := exact(t, from, to, copying.Config{BatchMax: 10})
			if report.Before < 40 || report.Before+report.Copied != report.Records {
				t.Errorf("%d were there and %d came, of %d", report.Before, report.Copied, report.Records)
			}
			s, err := serve(t, to)
			if err != nil {
				t.Fatal(err)
			}
			o, err := s.Apply(t.Context(), []store.Command{&store.Redeem{ID: id.New(time.Now()), Code: "SA1AM", Customer: "somebody new"}})
			if err != nil || o[0].Redemption == nil || o[0].Redemption.Rank != 51 {
				t.Errorf("%+v %v", o, err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			if _, err := carry(t.Context(), from, to, copying.Config{}); !errors.Is(err, store.ErrNotEmpty) {
				t.Errorf("a store in use is copied into: %v", err)
			}
		})
	}
}

func TestASourceThatChangedIsAnother(t *testing.T) {
	t.Parallel()
	for name, fresh := range places() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			to := fresh(t)
			from := lived(t, 50)
			interrupted(t, from, to, 20)
			write(t, from, func(s store.Store) {
				_, err := s.Apply(t.Context(), []store.Command{
					&store.Post{ID: id.New(time.Now()), Kind: ledger.Credit, Customer: "ali", Currency: "IRR", AmountMinor: 1},
				})
				if err != nil {
					t.Fatal(err)
				}
			})
			if _, err := carry(t.Context(), from, to, copying.Config{}); !errors.Is(err, store.ErrOtherSource) {
				t.Fatalf("it goes on: %v", err)
			}
		})
	}
}

func TestWhoIsAtWorkIsRefused(t *testing.T) {
	t.Parallel()
	for name, fresh := range places() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			to := fresh(t)
			from := lived(t, 5)
			exact(t, from, to, copying.Config{})
			server, err := serve(t, to)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := openSource(t.Context(), to); err == nil {
				t.Error("what a server has open is a source")
			}
			if _, err := carry(t.Context(), from, to, copying.Config{}); err == nil || errors.Is(err, store.ErrNotEmpty) {
				t.Errorf("what a server has open is a target: %v", err)
			}
			if err := server.Close(); err != nil {
				t.Fatal(err)
			}
			source, err := openSource(t.Context(), to)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = source.Close() })
			if s, err := serve(t, to); err == nil { // PostgreSQL lets it in, but not write
				_, err = s.Apply(t.Context(), []store.Command{
					&store.Post{ID: id.New(time.Now()), Kind: ledger.Credit, Customer: "ali", Currency: "IRR", AmountMinor: 1},
				})
				if !errors.Is(err, store.ErrNotApplied) {
					t.Errorf("a source is written to: %v", err)
				}
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// TestAServerUnderAnotherName has a name in its URL, which a copy by the same URL looks for.
func TestAServerUnderAnotherName(t *testing.T) {
	t.Parallel()
	to := testenv.Database(t) + "&application_name=shop"
	server, err := serve(t, to)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := carry(t.Context(), lived(t, 5), to, copying.Config{}); !errors.Is(err, store.ErrInUse) {
		t.Errorf("what a server has open is a target: %v", err)
	}
	if err := server.Close(); err != nil {
		t.Fatal(err)
	}
	exact(t, lived(t, 5), to, copying.Config{})
}

func TestTwoCopiesAtOnceAreRefused(t *testing.T) {
	t.Parallel()
	for name, fresh := range places() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			to := fresh(t)
			first, err := openTarget(t.Context(), to)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = first.Close() })
			im, err := first.OpenImport(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := carry(t.Context(), lived(t, 5), to, copying.Config{}); err == nil || !strings.Contains(err.Error(), "another") {
				t.Errorf("a second copy goes on: %v", err)
			}
			if err := im.Close(); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// sqliteExec changes a file behind everybody's back.
func sqliteExec(t *testing.T, path, query string) {
	t.Helper()
	conn, err := sqlite.OpenConn(path, sqlite.OpenReadWrite)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(sqlitex.ExecuteScript(conn, query, nil), conn.Close()); err != nil {
		t.Fatal(err)
	}
}

func TestATamperedTargetIsNoticed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ tamper, says string }{
		"a reason":     {"UPDATE rollback SET reason = 'x' WHERE id = (SELECT min(id) FROM rollback)", copying.Changed},
		"a wallet":     {"DELETE FROM transfer WHERE customer_no = 3", copying.Missing},
		"a stranger":   {"INSERT INTO transfer SELECT NULL, customer_no, 'USD', 1, id, kind, debit, credit, amount, balance, at, queued FROM transfer LIMIT 1", copying.Added},
		"a time":       {"UPDATE transfer SET at = at + 1 WHERE customer_no = 4 AND seq = 1", copying.Changed},
		"a key":        {"UPDATE idempotency SET fingerprint = zeroblob(16) || x'' WHERE fingerprint <> zeroblob(16); DELETE FROM idempotency WHERE customer_no = 5", copying.Missing},
		"a voucher":    {"UPDATE voucher SET max_uses = 1000", copying.Changed},
		"a campaign":   {"UPDATE campaign SET name = 'Yalda'", copying.Changed},
		"an account":   {"UPDATE account SET balance_lo = balance_lo + 1", copying.Changed},
		"a post":       {"UPDATE post SET to_seq = 9 WHERE id = (SELECT max(id) FROM post)", copying.Changed},
		"a redemption": {"UPDATE redemption SET max_uses = 7 WHERE id = (SELECT max(id) FROM redemption)", copying.Changed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			from, to := lived(t, 30), newFile(t)
			report, err := carry(t.Context(), from, to, copying.Config{Progress: func(p copying.Progress) {
				if p.Stage == copying.Copying && p.Done == p.Total {
					sqliteExec(t, to, c.tamper)
				}
			}})
			if err != nil {
				t.Fatal(err)
			}
			if report.Exact() || len(report.Differences) == 0 || report.Differences[0].What != c.says || report.Differences[0].Record == "" {
				t.Errorf("%+v", report)
			}
			if _, err := serve(t, to); !errors.Is(err, store.ErrUnfinishedCopy) {
				t.Errorf("it can be served: %v", err)
			}
		})
	}
}

func TestAnUnsoundSourceIsNotCopied(t *testing.T) {
	t.Parallel()
	from, to := lived(t, 30), newFile(t)
	sqliteExec(t, from, "UPDATE voucher SET redeemed = redeemed + 1, ranked = ranked + 1")
	report, err := carry(t.Context(), from, to, copying.Config{})
	if err != nil || report.Exact() || len(report.SourceFindings) == 0 || report.Copied != 0 {
		t.Fatalf("%+v %v", report, err)
	}
	if s, err := serve(t, to); err != nil || s.Close() != nil { // it is empty, and no copy of anything
		t.Fatal(err)
	}
	sqliteExec(t, from, "DELETE FROM customer WHERE no = 3")
	if _, err := carry(t.Context(), from, newFile(t), copying.Config{}); err == nil || !strings.Contains(err.Error(), "scrip verify") {
		t.Fatalf("what belongs to nobody is left out: %v", err)
	}
}

// TestWhatPostgresCanNotKeep has texts that SQLite keeps and PostgreSQL does not.
func TestWhatPostgresCanNotKeep(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{"NUL": "a\x00b", "no UTF-8": "a\xffb"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			from, to := lived(t, 30), testenv.Database(t)
			write(t, from, func(s store.Store) {
				_, err := s.Apply(t.Context(), []store.Command{
					&store.Post{ID: id.New(time.Now()), Kind: ledger.Credit, Customer: text, Currency: "IRR", AmountMinor: 1},
				})
				if err != nil {
					t.Fatal(err)
				}
			})
			_, err := carry(t.Context(), from, to, copying.Config{})
			if !errors.Is(err, copying.ErrUnfit) || !strings.Contains(err.Error(), `wallet of "a\x`) {
				t.Fatalf("got %v", err)
			}
			exact(t, lived(t, 5), to, copying.Config{}) // nothing was written
			exact(t, from, newFile(t), copying.Config{})
		})
	}
}

func TestARepeatedCopyIsKnown(t *testing.T) {
	t.Parallel()
	for name, fresh := range places() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			to := fresh(t)
			from := lived(t, 20)
			exact(t, from, to, copying.Config{})
			if again := exact(t, from, to, copying.Config{}); !again.Already || again.Copied != 0 {
				t.Errorf("%+v", again)
			}
			if _, err := carry(t.Context(), lived(t, 20), to, copying.Config{}); !errors.Is(err, store.ErrNotEmpty) {
				t.Errorf("another source goes over it: %v", err)
			}
		})
	}
}

func TestAMissingSource(t *testing.T) {
	t.Parallel()
	if _, err := openSource(t.Context(), filepath.Join(t.TempDir(), "nothing.db")); err == nil {
		t.Error("it opened")
	}
}
