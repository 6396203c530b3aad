// Package app wires Scrip's parts into a server that starts and stops in order. It is the only package
// that knows uber fx: the parts are made by plain constructors and are usable without it.
//
// Starting: store, gate, use cases, the demo code, HTTP; the first failure undoes what was started.
// Stopping, within the configured grace: not ready, drain HTTP, finish what waits for a commit, gate,
// store. Since everything that was acknowledged is durable before it is answered, a process that is
// killed in the middle of that loses nothing either.
package app

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"go.uber.org/dig"
	"go.uber.org/fx"
	"go.uber.org/fx/fxevent"

	"scrip/internal/config"
)

// Options is what a server is started with.
type Options struct {
	Config  config.Config // validated
	Version string
	Demo    bool      // make the demo code if it is absent
	LogTo   io.Writer // the log; os.Stderr of a process
	// Ready, if set, is told once that the server takes requests.
	Ready func(Started)
}

// Started is what is worth telling of a server that takes requests.
type Started struct {
	URL   string        `json:"url"`
	Store string        `json:"store"` // what and where, without secrets
	Gate  string        `json:"gate"`
	Open  string        `json:"open_to"` // who may call
	Keyed bool          `json:"needs_key"`
	Key   string        `json:"first_key_file,omitempty"` // where the first key was written just now
	Demo  string        `json:"demo,omitempty"`           // the demo code
	Took  time.Duration `json:"took_ns"`
}

// startMax bounds the start: a migration of a large file may take a while, a hang should not.
const startMax = 15 * time.Minute

// modules is the table of contents.
func modules(ctx context.Context, o Options, l *life) fx.Option {
	return fx.Options(
		configModule(ctx, o, l),
		logModule(o.LogTo),
		metricsModule(o.Version),
		storeModule(),
		sealModule(),
		accessModule(),
		gateModule(),
		useCasesModule(),
		limitsModule(),
		demoModule(o.Demo),
		retentionModule(),
		httpModule(),
		fx.WithLogger(quietly),
		fx.StartTimeout(startMax),
		fx.StopTimeout(o.Config.ShutdownGrace+closeSlack),
		fx.RecoverFromPanics(),
	)
}

// quietly lets fx speak of what went wrong alone, and at the debug level, as whoever called Run tells it too. How fx puts the
// parts together, with a stack for each, is below every level that can be set.
func quietly(log *slog.Logger) fxevent.Logger {
	l := &fxevent.SlogLogger{Logger: log}
	l.UseLogLevel(slog.LevelDebug - 1)
	l.UseErrorLevel(slog.LevelDebug)
	return l
}

// Run serves until ctx ends or the server fails. It returns nil after an orderly stop, a *StartError if
// the server never took requests, and what failed otherwise.
func Run(ctx context.Context, o Options) error {
	began := time.Now()
	l := &life{}
	var s *server
	a := fx.New(modules(ctx, o, l), fx.Populate(&s))
	err := dig.RootCause(a.Err())
	if err == nil {
		startCtx, cancel := context.WithTimeout(ctx, a.StartTimeout())
		defer cancel()
		err = a.Start(startCtx) // what was started is stopped again by fx
	}
	if err != nil {
		undo(ctx, a, l)
		if ctx.Err() != nil {
			return nil // told to stop before it was up
		}
		return &StartError{err}
	}
	if o.Ready != nil {
		told := s.started(o)
		told.Took = time.Since(began)
		o.Ready(told)
	}
	select {
	case <-ctx.Done():
	case <-a.Wait():
	}
	// fx listens to signals too, for as long as it runs. From now on a second one ends the process at once.
	signal.Reset(os.Interrupt, syscall.SIGTERM)
	stopCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), a.StopTimeout())
	defer cancel()
	if err := a.Stop(stopCtx); err != nil {
		l.note(fmt.Errorf("stop: %w", err))
	}
	return l.err()
}

// undo ends what was made or started of a server that did not start.
func undo(ctx context.Context, a *fx.App, l *life) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), a.StopTimeout())
	defer cancel()
	l.undo(ctx)
}

// StartError is why a server did not start: something that the operator can mend.
type StartError struct{ err error }

// Error says what is wrong and what to do about it.
func (e *StartError) Error() string { return "the server did not start: " + oneLine(e.err) }

// oneLine is an error in one line: a driver that tried several addresses tells of each in its own.
func oneLine(err error) string {
	return strings.Join(strings.FieldsFunc(err.Error(), func(r rune) bool { return r == '\n' || r == '\t' }), " ")
}

// Unwrap returns the cause.
func (e *StartError) Unwrap() error { return e.err }
