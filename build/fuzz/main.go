// Command fuzz finds every fuzz target of the module by itself and fuzzes each for the same time:
//
//	go run ./build/fuzz -time 10m            # all of them
//	go run ./build/fuzz -time 1m -side 3     # three side by side
//	go run ./build/fuzz -time 1m -run Code ./internal/code
//
// Each target has one worker, so that -side is how many cores are busy. It promises to fail whenever a target
// finds an input that fails, does not build, or goes on for long after its time, and to name the file that
// holds the input: go test runs it from then on. No target at all is a failure too.
//
// What a run learned about the code stays in Go's build cache and is where the next one begins.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"sync"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Stdout, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "fuzz:", err)
		stop()
		os.Exit(1) //nolint:gocritic // stop has run
	}
}

// plan is what the command line asks for.
type plan struct {
	each     time.Duration // for each target
	side     int           // targets at a time
	match    *regexp.Regexp
	packages []string
	list     bool
}

func parse(args []string) (plan, error) {
	p := plan{}
	flags := flag.NewFlagSet("fuzz", flag.ContinueOnError)
	flags.DurationVar(&p.each, "time", time.Minute, "for how long to fuzz each target")
	flags.IntVar(&p.side, "side", 2, "how many targets to fuzz side by side, one core each")
	flags.BoolVar(&p.list, "list", false, "list the targets and do no more")
	match := flags.String("run", "", "fuzz only targets whose package and name match this `regexp`")
	if err := flags.Parse(args); err != nil {
		return p, err
	}
	if p.each <= 0 || p.side < 1 {
		return p, fmt.Errorf("-time is %s and -side is %d; both must be above zero", p.each, p.side)
	}
	var err error
	if p.match, err = regexp.Compile(*match); err != nil {
		return p, fmt.Errorf("-run: %w", err)
	}
	if p.packages = flags.Args(); len(p.packages) == 0 {
		p.packages = []string{"./..."}
	}
	return p, nil
}

func run(ctx context.Context, w io.Writer, args []string) error {
	p, err := parse(args)
	if err != nil {
		return err
	}
	targets, err := find(ctx, p.packages)
	if err != nil {
		return err
	}
	targets = slices.DeleteFunc(targets, func(t target) bool { return !p.match.MatchString(t.String()) })
	if len(targets) == 0 {
		return errors.New("there is no fuzz target")
	}
	if p.list {
		for _, t := range targets {
			fmt.Fprintln(w, t)
		}
		return nil
	}
	return fuzzAll(ctx, w, p, targets)
}

// fuzzAll fuzzes the targets side by side. One that fails does not stop the others: one look shows all that
// is wrong.
func fuzzAll(ctx context.Context, w io.Writer, p plan, targets []target) error {
	folder, err := os.MkdirTemp("", "fuzz")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder) //nolint:errcheck // a folder for temporary files
	cache, err := cacheFolder(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "# %d targets, %s each, %d side by side\n", len(targets), p.each, p.side)
	b := &builds{folder: folder, done: map[string]*build{}}
	var (
		mu     sync.Mutex // held to print, and over failed
		failed []error
		side   sync.WaitGroup
		next   = make(chan target)
	)
	for range min(p.side, len(targets)) {
		side.Go(func() {
			for t := range next {
				said, err := t.fuzz(ctx, b, filepath.Join(cache, t.path), p.each)
				mu.Lock()
				fmt.Fprintln(w, said)
				if err != nil {
					failed = append(failed, fmt.Errorf("%s: %w", t, err))
				}
				mu.Unlock()
			}
		})
	}
	for _, t := range targets {
		if ctx.Err() != nil {
			break
		}
		next <- t
	}
	close(next)
	side.Wait()
	return errors.Join(append(failed, context.Cause(ctx))...)
}
