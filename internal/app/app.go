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
	Store string        `json:"store"`
	Gate  string        `json:"gate"`
	Demo  string        `json:"demo,omitempty"` // the demo code
	Took  time.Duration `json:"took_ns"`
}

// startMax bounds the start: a migration of a large file may take a while, a hang should not.
const startMax = 15 * time.Minute

// modules is the table of contents.
func modules(ctx context.Context, o Options, f *failure) fx.Option {
	return fx.Options(
		configModule(ctx, o, f),
		logModule(o.LogTo),
		metricsModule(o.Version),
		storeModule(),
		gateModule(),
		useCasesModule(),
		demoModule(o.Demo),
		httpModule(),
		fx.WithLogger(quietly),
		fx.StartTimeout(startMax),
		fx.StopTimeout(o.Config.ShutdownGrace+closeSlack),
		fx.RecoverFromPanics(),
	)
}

// quietly lets fx speak at the debug level only: what went wrong is told once, by whoever called Run.
func quietly(log *slog.Logger) fxevent.Logger {
	l := &fxevent.SlogLogger{Logger: log}
	l.UseLogLevel(slog.LevelDebug)
	l.UseErrorLevel(slog.LevelDebug)
	return l
}

// Run serves until ctx ends or the server fails. It returns nil after an orderly stop, a *StartError if
// the server never took requests, and what failed otherwise.
func Run(ctx context.Context, o Options) error {
	began := time.Now()
	f := &failure{}
	var s *server
	a := fx.New(modules(ctx, o, f), fx.Populate(&s))
	err := dig.RootCause(a.Err())
	if err == nil {
		startCtx, cancel := context.WithTimeout(ctx, a.StartTimeout())
		defer cancel()
		err = a.Start(startCtx) // what was started is stopped again by fx
	}
	if ctx.Err() != nil {
		return nil // told to stop before it was up
	}
	if err != nil {
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
		f.note(fmt.Errorf("stop: %w", err))
	}
	return f.err()
}

// StartError is why a server did not start: something that the operator can mend.
type StartError struct{ err error }

// Error says what is wrong and what to do about it.
func (e *StartError) Error() string { return "the server did not start: " + e.err.Error() }

// Unwrap returns the cause.
func (e *StartError) Unwrap() error { return e.err }
