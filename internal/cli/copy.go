package cli

import (
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"scrip/internal/app"
	"scrip/internal/ledger"
)

type copyCmd struct {
	From     string `name:"from" placeholder:"STORE" help:"What to copy: sqlite: and its data folder, or the URL of a PostgreSQL."`
	FromFile string `name:"from-file" placeholder:"PATH" help:"File that holds --from, such as a Docker secret."`
	To       string `name:"to" placeholder:"STORE" help:"Where to: the same. It must be empty, or what an earlier run of this copy left."`
	ToFile   string `name:"to-file" placeholder:"PATH" help:"File that holds --to, such as a Docker secret."`
	Batch    int    `name:"batch" default:"5000" placeholder:"N" help:"Records in one transaction, 1 to 50,000 (${default})."`
}

// Help is the long help.
func (*copyCmd) Help() string {
	return `It carries all that one store holds into another, of whatever kind: codes, counters, wallets, every ledger entry, every receipt, every Idempotency-Key. Then it reads both sides again, compares them record by record, and verifies the target. It exits with 0 if both are exactly the same, and with 1 if not.

Stop the servers first. The source is left as it is. The target can't be served before the copy is finished and proven. A copy that was ended in any way goes on where it was when the same command is run again.

A password on the command line can be read by others on this machine: put the URL into a file, or leave the password out and give it as libpq does, by PGPASSWORD or ~/.pgpass.

Example:
  scrip copy --from sqlite:./data --to postgres://scrip:secret@db:5432/scrip
  scrip copy --from sqlite:./data --to-file /run/secrets/database
  scrip copy --from postgres://scrip@db/scrip --to sqlite:./back --json`
}

// batchMost keeps a transaction, and what is lost when one is cut off, small.
const batchMost = 50_000

// settle reads what stands in files.
func (k *copyCmd) settle() error {
	if k.Batch < 1 || k.Batch > batchMost {
		return usage("--batch must be 1 to %s", count(batchMost))
	}
	for _, s := range []struct {
		name, file string
		into       *string
	}{{"from", k.FromFile, &k.From}, {"to", k.ToFile, &k.To}} {
		switch {
		case (s.file == "") == (*s.into == ""):
			return usage("give either --%s or --%s-file; see scrip copy --help", s.name, s.name)
		case s.file != "":
			text, err := readSecret(s.file)
			if err != nil {
				return usage("--%s-file: %w", s.name, err)
			}
			*s.into = strings.TrimRight(text, "\r\n")
		}
		if _, err := app.ParseStore(*s.into); err != nil {
			return usage("--%s: %w", s.name, err)
		}
	}
	return nil
}

// Run copies.
func (k *copyCmd) Run(c *command) error {
	if err := k.settle(); err != nil {
		return err
	}
	show := &copyShow{to: c.Stderr, terminal: isTerminal(c.Stderr)}
	o := app.CopyOptions{From: k.From, To: k.To, BatchMax: k.Batch, Log: slog.New(slog.NewTextHandler(c.Stderr, nil))}
	if c.json {
		o.Log = slog.New(slog.DiscardHandler) // stderr is for one JSON problem
	} else {
		o.Progress = show.progress
	}
	began := time.Now()
	r, err := app.Copy(c.ctx, o)
	show.end()
	if err != nil {
		if ended := c.ctx.Err(); ended != nil { // a driver may call it otherwise
			return fmt.Errorf("copy: %w", ended)
		}
		return usageError{err}
	}
	out := newCopied(k, r)
	out.Seconds = time.Since(began).Seconds()
	if err := c.answer(out, out.describe); err != nil {
		return err
	}
	if !out.Exact {
		return errNo
	}
	return nil
}

// copied is the answer of copy.
type copied struct {
	From           string               `json:"from"`
	To             string               `json:"to"`
	Exact          bool                 `json:"exact"`
	Already        bool                 `json:"already"` // it was finished before
	Records        int64                `json:"records"`
	Before         int64                `json:"before"` // brought by an earlier run
	Copied         int64                `json:"copied"` // brought by this one
	Counts         map[string]int64     `json:"counts"`
	Money          map[string]copyMoney `json:"money"`
	SourceFindings []app.Finding        `json:"source_findings"`
	TargetFindings []app.Finding        `json:"target_findings"`
	Differences    []app.CopyDifference `json:"differences"` // the first of them
	Different      int64                `json:"different"`   // all of them
	Seconds        float64              `json:"seconds"`

	kinds []string // of Counts, in order
}

// copyMoney is the money of one currency, in minor units: too large for a JSON number, perhaps.
type copyMoney struct {
	Wallets string `json:"wallets"`
	Given   string `json:"given"`
	Moved   string `json:"moved"`

	totals app.CopyTotals
}

func newCopied(k *copyCmd, r *app.CopyReport) *copied {
	from, _ := app.ParseStore(k.From) // they were read before
	to, _ := app.ParseStore(k.To)
	out := &copied{
		From: from.String(), To: to.String(), Exact: r.Exact(), Already: r.Already,
		Records: r.Records, Before: r.Before, Copied: r.Copied, Counts: map[string]int64{}, Money: map[string]copyMoney{},
		SourceFindings: append([]app.Finding{}, r.SourceFindings...), TargetFindings: append([]app.Finding{}, r.TargetFindings...),
		Differences: append([]app.CopyDifference{}, r.Differences...), Different: r.DifferencesTotal,
	}
	for kind, name := range app.CopyKinds() {
		out.kinds = append(out.kinds, name)
		out.Counts[name] = r.Counts[kind]
	}
	for currency, m := range r.Money {
		out.Money[string(currency)] = copyMoney{Wallets: m.Wallets.String(), Given: m.Given.String(), Moved: m.Moved.String(), totals: m}
	}
	return out
}

// describe shows the summary to a person.
func (s *copied) describe(w io.Writer) {
	switch {
	case s.Exact && s.Already:
		line(w, "EXACT: the copy was finished before, and both sides are still the same")
	case s.Exact:
		line(w, "EXACT")
	case len(s.SourceFindings) > 0:
		line(w, "NOT COPIED: the source is not sound, and nothing was written; see scrip verify")
	default:
		line(w, "NOT EXACT: the target can't be served; empty it and copy again")
	}
	line(w, "from\t%s", s.From)
	line(w, "to\t%s", s.To)
	line(w, "records\t%s: %s by this run, %s by an earlier one", count(s.Records), count(s.Copied), count(s.Before))
	for _, kind := range s.kinds {
		line(w, "  %s\t%s", kind, count(s.Counts[kind]))
	}
	for _, currency := range slices.Sorted(maps.Keys(s.Money)) {
		m := s.Money[currency].totals
		line(w, "money\t%s in wallets, %s given, %s moved", sum(m.Wallets, currency), sum(m.Given, currency), sum(m.Moved, currency))
	}
	for _, f := range slices.Concat(s.SourceFindings, s.TargetFindings) {
		line(w, "wrong\t%s  %s  %s", f.Check, f.ID, f.Detail)
	}
	for _, d := range s.Differences {
		line(w, "wrong\t%s: %s", d.What, d.Record)
	}
	if more := s.Different - int64(len(s.Differences)); more > 0 {
		line(w, "wrong\tand %s more", count(more))
	}
	line(w, "took\t%.1f s", s.Seconds)
}

// sum shows a total as an amount, or, where that is too large for one, in minor units.
func sum(s ledger.Sum, currency string) string {
	if s.Hi == 0 && s.Lo <= math.MaxInt64 {
		return amount(int64(s.Lo), currency)
	}
	return group(s.String()) + " minor units of " + currency
}

// copyShow shows progress: as one line that is drawn over the last on a terminal, and otherwise as a line now and
// then.
type copyShow struct {
	to       io.Writer
	terminal bool
	stage    string
	began    time.Time // the stage
	first    int64     // records that were done as it began
	shown    time.Time
}

// How often progress is shown.
const (
	drawEvery = 100 * time.Millisecond
	lineEvery = 10 * time.Second
)

func (s *copyShow) progress(p app.CopyProgress) {
	now, every := time.Now(), lineEvery
	if s.terminal {
		every = drawEvery
	}
	if string(p.Stage) != s.stage {
		s.stage, s.began, s.first = string(p.Stage), now, p.Done
	} else if now.Sub(s.shown) < every {
		return
	}
	s.shown = now
	text := s.text(p, float64(p.Done-s.first)/max(now.Sub(s.began).Seconds(), 0.001))
	if s.terminal {
		_, _ = fmt.Fprint(s.to, clearLine+text)
		return
	}
	line(s.to, "%s", text)
}

func (s *copyShow) text(p app.CopyProgress, rate float64) string {
	switch {
	case p.Total > 0 && s.terminal:
		done := int(p.Done * barWidth / p.Total)
		bar := strings.Repeat("█", done) + strings.Repeat("░", barWidth-done)
		return fmt.Sprintf("%s %s %3d%%  %s of %s records  %s/s", p.Stage, bar, 100*p.Done/p.Total, count(p.Done), count(p.Total), count(int64(rate)))
	case p.Total > 0:
		return fmt.Sprintf("%s: %s of %s records", p.Stage, count(p.Done), count(p.Total))
	case p.Done > 0:
		return fmt.Sprintf("%s: %s records", p.Stage, count(p.Done))
	default:
		return string(p.Stage) + " …"
	}
}

// end takes the drawn line away.
func (s *copyShow) end() {
	if s.terminal && s.stage != "" {
		_, _ = fmt.Fprint(s.to, clearLine)
	}
}
