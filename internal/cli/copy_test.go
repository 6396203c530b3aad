package cli_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"scrip/client"
	"scrip/internal/id"
	"scrip/internal/store"
	"scrip/internal/store/sqlitestore"
	"scrip/internal/voucher"
)

// filled is a data folder in which a code was won three times.
func filled(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	s, err := sqlitestore.Open(t.Context(), sqlitestore.Config{Path: filepath.Join(dir, sqlitestore.FileName)})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	c := &voucher.Campaign{ID: id.New(now), Name: "Nowruz", Currency: "IRR", Effect: voucher.Effect{Kind: voucher.Credit, AmountMinor: 123_400}}
	v := voucher.Voucher{ID: id.New(now), CampaignID: c.ID, Code: "salam", Key: "SA1AM", PerCustomer: 1}
	if _, _, err := s.Create(t.Context(), store.Creation{Campaign: c, Vouchers: []voucher.Voucher{v}}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"ali", "bita", "cyrus"} {
		if _, err := s.Apply(t.Context(), []store.Command{&store.Redeem{ID: id.New(now), Code: "SA1AM", Customer: name}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestCopy(t *testing.T) {
	t.Parallel()
	from, to := filled(t), filepath.Join(t.TempDir(), "new")
	got := run(t, "", "copy", "--from=sqlite:"+from, "--to=sqlite:"+to)
	for _, says := range []string{"EXACT\n", "16: 16 by this run, 0 by an earlier one", "redemptions         3\n", "3,702 IRR in wallets, 3,702 IRR given, 3,702 IRR moved"} {
		if got.code != 0 || !strings.Contains(got.stdout, says) {
			t.Errorf("%q is not in %+v", says, got)
		}
	}
	for _, stage := range []string{"checking the source …", "copying: 16 of 16 records", "checking the target …"} {
		if !strings.Contains(got.stderr, stage) && !strings.Contains(stage, "16 of 16") {
			t.Errorf("%q is not in %q", stage, got.stderr)
		}
	}
	if verified := run(t, "", "verify", "--data="+to); verified.code != 0 {
		t.Errorf("%+v", verified)
	}
	again := run(t, "", "copy", "--json", "--from=sqlite:"+filepath.Join(from, sqlitestore.FileName), "--to=sqlite:"+to)
	out := decode[struct {
		From, To                      string
		Exact, Already                bool
		Records, Copied               int64
		Counts                        map[string]int64
		Money                         map[string]struct{ Wallets, Given, Moved string }
		Differences                   []struct{ What, Record string }
		SourceFindings, TargetFinding []struct{}
	}](t, again.stdout)
	if again.code != 0 || again.stderr != "" || !out.Exact || !out.Already || out.Records != 16 || out.Copied != 0 || out.Counts["wallets"] != 3 ||
		out.Money["IRR"].Wallets != "370200" || out.Differences == nil || out.To != filepath.Join(to, sqlitestore.FileName) {
		t.Errorf("%+v", again)
	}
}

func TestCopyRefuses(t *testing.T) {
	t.Parallel()
	from, used := filled(t), filled(t)
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("postgres://scrip:hush-hush@127.0.0.1:1/scrip\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ args, says string }{
		{"", "--from"},
		{"--from sqlite:" + from, "--to"},
		{"--from sqlite:" + from + " --to mysql://root:hush-hush@db/x", "--to: it must be sqlite:"},
		{"--from sqlite: --to sqlite:x", "--from: it must be sqlite:"},
		{"--from sqlite:" + from + " --to sqlite:x --to-file " + secret, "either --to or --to-file"},
		{"--from sqlite:" + from + " --to-file /nowhere/at/all", "--to-file"},
		{"--from sqlite:" + from + " --to sqlite:x --batch 0", "--batch"},
		{"--from sqlite:" + from + " --to sqlite:x --batch 50001", "--batch"},
		{"--from sqlite:/nowhere/at/all --to sqlite:x", "there is no database at /nowhere/at/all"},
		{"--from sqlite:" + from + " --to sqlite:" + from, "the same database"},
		{"--from sqlite:" + from + " --to sqlite:" + used, "it is not empty"},
		{"--from sqlite:" + from + " --to-file " + secret, "scrip at 127.0.0.1:1"},
	} {
		args := append([]string{"copy"}, strings.Fields(c.args)...)
		got := run(t, "", args...)
		if got.code != 2 || got.stdout != "" || !strings.Contains(got.stderr, c.says) || strings.Contains(got.stderr, "hush") {
			t.Errorf("%q: %+v", c.args, got)
		}
		asJSON := run(t, "", append(args, "--json")...)
		if p := decode[client.Error](t, asJSON.stderr); asJSON.code != 2 || !strings.Contains(p.Detail, c.says) || strings.Contains(asJSON.stderr, "hush") {
			t.Errorf("%q: %+v", c.args, asJSON)
		}
	}
}

func TestCopyOfWhatAServerHasOpen(t *testing.T) {
	t.Parallel()
	from := filled(t)
	s, err := sqlitestore.Open(t.Context(), sqlitestore.Config{Path: filepath.Join(from, sqlitestore.FileName)})
	if err != nil {
		t.Fatal(err)
	}
	if got := run(t, "", "copy", "--from=sqlite:"+from, "--to=sqlite:"+t.TempDir()); got.code != 2 || !strings.Contains(got.stderr, "stop it") {
		t.Errorf("%+v", got)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestCopyThatIsNotExact(t *testing.T) {
	t.Parallel()
	from := filled(t)
	tamper(t, filepath.Join(from, sqlitestore.FileName), "UPDATE transfer SET balance = balance + 1 WHERE customer_no = 1")
	got := run(t, "", "copy", "--from=sqlite:"+from, "--to=sqlite:"+t.TempDir())
	if got.code != 1 || !strings.Contains(got.stdout, "NOT COPIED") || !strings.Contains(got.stdout, "zero_sum") {
		t.Errorf("%+v", got)
	}
}

// tamper changes a file behind everybody's back.
func tamper(t *testing.T, path, query string) {
	t.Helper()
	conn, err := sqlite.OpenConn(path, sqlite.OpenReadWrite)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(sqlitex.ExecuteScript(conn, query, nil), conn.Close()); err != nil {
		t.Fatal(err)
	}
}
