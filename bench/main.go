// Command bench measures Scrip on this machine, mostly as a ratio to a bare net/http handler that decodes
// the same JSON and answers a constant; docs/benchmarks.md explains the figures. It needs wrk.
//
// It promises that every load is bounded in time and in count, that it ends only processes that it
// started, that it checks every answer (a figure of wrong answers is an error, not a figure), and that it
// leaves nothing but its report and the full file, which it keeps for the next time.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

func main() {
	var err error
	if len(os.Args) == 2 && os.Args[1] == bareArgument {
		err = serveBare()
	} else {
		err = run()
	}
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// options are the command line's.
type options struct {
	runs        int
	duration    time.Duration
	connections []int
	keep        string // the folder of reports and of the full file
	growth      int64
	skipGrowth  bool
	only        []string
	binary      string // scrip; built here where it is empty
	before      string // an earlier scrip; empty for none
}

// bench is one run of everything.
type bench struct {
	options
	dir string // temporary, on the disk that is measured
	wrk *wrk

	mu   sync.Mutex
	next int64 // number of the first customer that was not used yet
}

// The sections, in their order.
const (
	sectionLoad     = "load"
	sectionSingle   = "single"
	sectionIdle     = "idle"
	sectionGrowth   = "growth"
	sectionStampede = "stampede"
	sectionStore    = "store"
	sectionPostgres = "postgres"
	sectionReplicas = "replicas"
	sectionOverload = "overload"
	sectionGuards   = "guards"
)

func parse(args []string) (options, error) {
	o := options{}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.IntVar(&o.runs, "runs", 5, "runs of each load; the table shows medians")
	flags.DurationVar(&o.duration, "duration", 5*time.Second, "length of each run, whole seconds")
	connections := flags.String("connections", "64,512", "numbers of connections")
	flags.StringVar(&o.keep, "dir", "bench/out", "folder for reports and data; not on tmpfs")
	flags.Int64Var(&o.growth, "growth", 10_000_000, "redemptions in the full file")
	flags.BoolVar(&o.skipGrowth, "skip-growth", false, "leave the full file out")
	flags.StringVar(&o.binary, "binary", "", "a scrip that is built already; empty to build ./cmd/scrip")
	flags.StringVar(&o.before, "before", "", "an earlier scrip to compare guards with; empty for this one, open and without seals")
	only := flags.String("only", "", "sections to measure, of load,single,idle,growth,stampede,store,postgres,replicas,overload,guards; empty for all")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	for text := range strings.SplitSeq(*connections, ",") {
		n, err := strconv.Atoi(text)
		if err != nil || n < wrkThreads {
			return o, fmt.Errorf("-connections: %q is no number of at least %d", text, wrkThreads)
		}
		o.connections = append(o.connections, n)
	}
	if *only != "" {
		o.only = strings.Split(*only, ",")
	}
	switch {
	case flags.NArg() > 0:
		return o, fmt.Errorf("unknown argument %q", flags.Arg(0))
	case o.runs < 1 || o.runs > 100:
		return o, errors.New("-runs must be from 1 to 100")
	case o.duration < time.Second || o.duration > time.Minute:
		return o, errors.New("-duration must be from 1s to 1m")
	case o.growth < 1 || o.growth > customersMax/10:
		return o, fmt.Errorf("-growth must be from 1 to %d", customersMax/10)
	}
	o.duration = o.duration.Truncate(time.Second)
	return o, nil
}

func (o *options) wants(section string) bool {
	if section == sectionGrowth && o.skipGrowth {
		return false
	}
	return len(o.only) == 0 || slices.Contains(o.only, section)
}

func run() (err error) {
	o, err := parse(os.Args[1:])
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	b := &bench{options: o}
	if b.wants(sectionGrowth) {
		b.next = b.growth // those before are in the full file
	}
	if err := b.prepare(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(b.dir)) }()
	r, err := b.measure(ctx)
	if err != nil {
		return err
	}
	return r.publish(os.Stdout, b.keep)
}

// prepare makes the folders, finds wrk and builds scrip.
func (b *bench) prepare(ctx context.Context) error {
	var err error
	if b.keep, err = filepath.Abs(b.keep); err != nil {
		return err
	}
	if err := os.MkdirAll(b.keep, 0o700); err != nil {
		return err
	}
	if fileSystem(b.keep) == tmpfs {
		return fmt.Errorf("%s is on tmpfs, where a sync costs nothing; give a folder on a real disk with -dir", b.keep)
	}
	if b.dir, err = os.MkdirTemp(b.keep, "run-"); err != nil {
		return err
	}
	if b.wrk, err = newWrk(b.dir); err == nil {
		err = b.build(ctx)
	}
	if err != nil {
		return errors.Join(err, os.RemoveAll(b.dir))
	}
	return nil
}

// build makes the scrip that is measured, unless there is one.
func (b *bench) build(ctx context.Context) error {
	if b.binary != "" {
		var err error
		b.binary, err = filepath.Abs(b.binary)
		return err
	}
	b.binary = filepath.Join(b.dir, "scrip")
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", b.binary, "./cmd/scrip")
	build.Stdout, build.Stderr = os.Stderr, os.Stderr
	if err := build.Run(); err != nil {
		return fmt.Errorf("build scrip (run this from the project's folder): %w", err)
	}
	return nil
}

const tmpfs = "tmpfs" // what fileSystem calls it

// measure runs the sections that are wanted.
func (b *bench) measure(ctx context.Context) (*report, error) {
	r := &report{Began: time.Now().UTC(), Runs: b.runs, Duration: b.duration.String()}
	var err error
	if r.Facts, err = b.facts(ctx); err != nil {
		return nil, err
	}
	data := filepath.Join(b.dir, "data")
	if b.wants(sectionLoad) || b.wants(sectionSingle) || b.wants(sectionIdle) {
		if err := b.measureOne(ctx, r, data); err != nil {
			return nil, err
		}
	}
	if b.wants(sectionIdle) {
		b.say("idle")
		result, err := b.idle(ctx, "after the loads above", data)
		if err != nil {
			return nil, err
		}
		r.Idle = append(r.Idle, result)
	}
	if b.wants(sectionStampede) {
		if r.Rehearsal, err = b.rehearsal(ctx); err != nil {
			return nil, err
		}
	}
	if b.wants(sectionOverload) {
		if r.Overload, err = b.overload(ctx); err != nil {
			return nil, err
		}
	}
	if b.wants(sectionGuards) {
		if r.Guards, err = b.guards(ctx); err != nil {
			return nil, err
		}
	}
	if err := b.measurePostgres(ctx, r); err != nil {
		return nil, err
	}
	if b.wants(sectionGrowth) {
		return r, b.measureFull(ctx, r)
	}
	return r, nil
}

// measureOne measures one server on one new file.
func (b *bench) measureOne(ctx context.Context, r *report, data string) error {
	scrip, _, err := b.serve(ctx, data)
	if err != nil {
		return err
	}
	defer scrip.stop()
	if b.wants(sectionSingle) {
		b.say("one client")
		single, err := b.single(ctx, scrip)
		if err != nil {
			return err
		}
		r.Single = &single
	}
	if !b.wants(sectionLoad) {
		return nil
	}
	bare, err := startBare(ctx)
	if err != nil {
		return err
	}
	defer bare.stop()
	for _, connections := range b.connections {
		load, err := b.underLoad(ctx, bare.base, scrip, connections, acceptFloor(connections))
		if err != nil {
			return err
		}
		r.Load = append(r.Load, load...)
	}
	return nil
}

// measureFull measures a server on the full file.
func (b *bench) measureFull(ctx context.Context, r *report) error {
	data, err := b.fullFile(ctx)
	if err != nil {
		return err
	}
	r.Growth = b.growth
	full, _, err := b.serve(ctx, data)
	if err != nil {
		return err
	}
	for _, connections := range b.connections {
		grown, err := b.grown(ctx, connections, full)
		if err != nil {
			full.stop()
			return err
		}
		r.Load = append(r.Load, grown...)
	}
	full.stop()
	result, err := b.idle(ctx, "on the full file", data)
	r.Idle = append(r.Idle, result)
	return err
}

// customers sets n numbers of customers aside and returns the first.
func (b *bench) customers(n int64) (int64, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	first := b.next
	b.next += n
	if b.next > customersMax {
		return 0, errors.New("out of customers; ask for fewer or shorter runs")
	}
	return first, nil
}

// say tells on standard error how far it is.
func (b *bench) say(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "bench: "+format+"\n", args...)
}
