// Package copying carries all that one store holds into another, and proves that it is all there and the same.
//
// It promises that the target is exact or unfit for use: a server refuses to open it until every record was read
// back from both sides and compared, and the target's own audit found nothing. It promises that a copy which was
// ended in any way goes on where it was, and that its memory does not grow with the stores. It must not know
// any driver, nor how far apart the two are.
package copying

import (
	"context"
	"errors"
	"fmt"

	"scrip/internal/store"
)

// Source is what is copied. It stands still meanwhile; that it did is part of the proof.
type Source interface {
	store.Exporter
	store.Auditor
}

// Target is what is copied into.
type Target interface {
	store.Exporter
	store.Auditor
	store.Importer
}

// Config is how to copy; the zero value will do.
type Config struct {
	// BatchMax bounds the records of one transaction; 0 is BatchDefault.
	BatchMax int
	// Progress, if set, is told how far the copy is, after each batch or so, one call at a time.
	Progress func(Progress)
}

// BatchDefault is as many records as make the cost of a transaction vanish beside them, and lose no more than a
// moment's work when the copy is ended in the middle of one.
const BatchDefault = 5000

// Stage is what a copy does.
type Stage string

// The stages, in order. A copy that goes on skips the audit of the source: the digest proves it the same.
const (
	Reading        Stage = "reading the source"
	CheckingSource Stage = "checking the source"
	Copying        Stage = "copying"
	Comparing      Stage = "comparing both sides"
	CheckingTarget Stage = "checking the target"
)

// Progress is how far a copy is.
type Progress struct {
	Stage Stage
	Done  int64 // records of this stage
	Total int64 // 0 where it is not known
}

// Errors of a copy, beside those of the store's contract.
var (
	// ErrMoved: the source changed while it was copied.
	ErrMoved = errors.New("the source changed while it was copied; stop whoever works on it, empty the target and copy again")
	// ErrUnfit: the target can't hold something.
	ErrUnfit = errors.New("the target can't hold all of the source; nothing was written")
)

// Run copies source into target. Its report tells whether the copy is exact; where it is not, the target stays
// unfit for use. An error means that the copy did not come to an end, or was refused before it began.
func Run(ctx context.Context, source Source, target Target, cfg Config) (_ *Report, err error) {
	if cfg.BatchMax <= 0 {
		cfg.BatchMax = BatchDefault
	}
	if cfg.Progress == nil {
		cfg.Progress = func(Progress) {}
	}
	im, err := target.OpenImport(ctx)
	if err != nil {
		return nil, fmt.Errorf("target: %w", err)
	}
	defer func() { err = errors.Join(err, im.Close()) }()
	c := &copier{cfg: cfg, source: source, target: target, im: im, report: &Report{}}
	if err := c.run(ctx); err != nil {
		return nil, err
	}
	return c.report, nil
}

type copier struct {
	cfg    Config
	source Source
	target Target
	im     store.Import
	digest store.Digest // of the source, as it was read first
	report *Report
}

func (c *copier) run(ctx context.Context) error {
	state := c.im.State()
	if err := c.survey(ctx, state); err != nil {
		return err
	}
	switch {
	case state.Finished && state.Source != c.digest:
		return fmt.Errorf("target: %w", store.ErrNotEmpty)
	case state.Finished:
		c.report.Already = true
	default:
		sound, err := c.fill(ctx, state)
		if err != nil || !sound {
			return err
		}
	}
	if err := c.compare(ctx); err != nil {
		return err
	}
	if c.report.Already {
		if !c.report.same() { // it was finished, and is in use since
			return fmt.Errorf("target: %w", store.ErrNotEmpty)
		}
		return nil
	}
	if err := c.auditTarget(ctx); err != nil || !c.report.Exact() {
		return err
	}
	if err := c.im.Finish(ctx); err != nil {
		return fmt.Errorf("finish the target: %w", err)
	}
	return nil
}

// survey reads the source for the first time: what there is, whether the target can hold it, and the digest that
// tells this source from every other.
func (c *copier) survey(ctx context.Context, state store.ImportState) error {
	t := newTally()
	before := int64(0)
	err := c.source.Export(ctx, store.Place{}, func(r store.Record) error {
		if err := c.im.Check(r); err != nil {
			return fmt.Errorf("%w: %s: %w", ErrUnfit, r, err)
		}
		t.add(r)
		if t.records%progressEvery == 0 {
			c.cfg.Progress(Progress{Stage: Reading, Done: t.records})
		}
		if r.Place().Compare(state.At) <= 0 {
			before++
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("read the source: %w", err)
	}
	c.digest = t.digest()
	c.report.Records, c.report.Counts, c.report.Money = t.records, t.counts, t.money
	c.report.Before = before
	return nil
}

// progressEvery is often enough to look alive.
const progressEvery = 2000

// fill brings all that is missing into the target. It reports false where the source is not sound: then nothing
// was begun.
func (c *copier) fill(ctx context.Context, state store.ImportState) (bool, error) {
	if state.At == (store.Place{}) { // otherwise the same source was sound when its copy began
		if err := c.auditSource(ctx); err != nil || len(c.report.SourceFindings) > 0 {
			return false, err
		}
	}
	if err := c.im.Begin(ctx, c.digest); err != nil {
		return false, fmt.Errorf("target: %w", err)
	}
	if err := c.copy(ctx, state.At); err != nil {
		return false, fmt.Errorf("%w; what was copied so far is safe: the same command goes on behind it", err)
	}
	if err := c.im.Filled(ctx); err != nil {
		return false, fmt.Errorf("settle the target: %w", err)
	}
	return true, nil
}

func (c *copier) auditSource(ctx context.Context) error {
	c.cfg.Progress(Progress{Stage: CheckingSource})
	read, err := c.source.Audit(ctx, keep(&c.report.SourceFindings))
	if err != nil {
		return fmt.Errorf("check the source: %w", err)
	}
	if read.Findings > 0 {
		return nil
	}
	n := &c.report.Counts
	told := store.Audited{
		Campaigns: n[store.CampaignKind], Vouchers: n[store.VoucherKind], Redemptions: n[store.RedemptionKind],
		Rollbacks: n[store.RollbackKind], Wallets: n[store.WalletKind], Transfers: n[store.TransferKind], Seals: n[store.SealKind],
	}
	if told != read {
		return fmt.Errorf("the source holds %+v, but told %+v: %w", read, told, ErrMoved)
	}
	return nil
}

func (c *copier) auditTarget(ctx context.Context) error {
	c.cfg.Progress(Progress{Stage: CheckingTarget})
	if _, err := c.target.Audit(ctx, keep(&c.report.TargetFindings)); err != nil {
		return fmt.Errorf("check the target: %w", err)
	}
	return nil
}

// keep keeps findings, up to what anybody reads.
func keep(into *[]store.Finding) func(store.Finding) {
	return func(f store.Finding) {
		if len(*into) < shownMax {
			*into = append(*into, f)
		}
	}
}
