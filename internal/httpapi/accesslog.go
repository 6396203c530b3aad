package httpapi

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// AccessLog writes lines about requests from one goroutine of its own, so that no request waits for a
// disk or a terminal. Its queue is bounded: what does not fit, or comes faster than linesPerSecondMax
// while something fails, is dropped and counted, and the count is logged.
//
// Every request is a line at debug level; what failed on our side is one at warn (503) or error. A line
// names the route, never the path, so that no code and no customer stands in it, and what a request has sent is masked
// in the text of what went wrong, unless Config.LogUnmasked asks for both.
type AccessLog struct {
	log     *slog.Logger
	lines   chan line
	failed  atomic.Int64 // lines of this second that are above debug level
	dropped atomic.Int64
	quit    chan struct{}
	closing sync.Once
	done    sync.WaitGroup
}

type line struct {
	level     slog.Level
	at        time.Time
	took      time.Duration
	requestID string
	route     string
	method    string
	status    int
	bytes     int
	code      string
	err       string // what went wrong, masked
	path      string // with its query; empty unless it is asked for
}

const (
	linesQueued       = 4096
	linesPerSecondMax = 500 // of warnings and errors: a crowd turned away by an outage says the same thing
)

// NewAccessLog starts an access log; Close ends it.
func NewAccessLog(log *slog.Logger) *AccessLog {
	a := &AccessLog{log: log, lines: make(chan line, linesQueued), quit: make(chan struct{})}
	a.done.Go(a.run)
	return a
}

// Close writes what is queued and ends the log.
func (a *AccessLog) Close() {
	a.closing.Do(func() { close(a.quit) })
	a.done.Wait()
}

// wants reports whether a line of this level is to be put, and counts what is too much. It comes before the line is
// made: a server that turns thousands away in a second has no time for lines that nobody will read.
func (a *AccessLog) wants(ctx context.Context, level slog.Level) bool {
	if !a.log.Enabled(ctx, level) {
		return false
	}
	if level > slog.LevelDebug && a.failed.Add(1) > linesPerSecondMax {
		a.dropped.Add(1)
		return false
	}
	return true
}

func (a *AccessLog) put(l line) {
	select {
	case a.lines <- l:
	default:
		a.dropped.Add(1)
	}
}

func (a *AccessLog) run() {
	ctx := context.Background() //nolint:forbidigo // outlives the requests it writes about
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case l := <-a.lines:
			l.write(ctx, a.log)
		case <-tick.C:
			a.failed.Store(0)
			a.report(ctx)
		case <-a.quit:
			for range len(a.lines) {
				l := <-a.lines
				l.write(ctx, a.log)
			}
			a.report(ctx)
			return
		}
	}
}

func (a *AccessLog) report(ctx context.Context) {
	if n := a.dropped.Swap(0); n > 0 {
		a.log.WarnContext(ctx, "lines of the access log were dropped", "lines", n)
	}
}

func (l *line) write(ctx context.Context, log *slog.Logger) {
	attrs := []slog.Attr{
		slog.String("request_id", l.requestID), slog.String("route", l.route), slog.String("method", l.method),
		slog.Int("status", l.status), slog.Int("bytes", l.bytes), slog.Time("at", l.at), slog.Duration("took", l.took),
	}
	if l.code != "" {
		attrs = append(attrs, slog.String("code", l.code))
	}
	if l.err != "" {
		attrs = append(attrs, slog.String("err", l.err))
	}
	if l.path != "" {
		attrs = append(attrs, slog.String("path", l.path))
	}
	log.LogAttrs(ctx, l.level, "request", attrs...)
}

// note tells the metrics and the log about an answer, once. It costs nothing where neither listens.
func (s *server) note(ctx context.Context, x *exchange, name string) {
	level := slog.LevelDebug
	if x.status >= http.StatusInternalServerError {
		level = slog.LevelError
		if x.status == http.StatusServiceUnavailable {
			level = slog.LevelWarn
		}
	}
	wanted := s.cfg.AccessLog != nil && s.cfg.AccessLog.wants(ctx, level)
	failed := s.cfg.AccessLog == nil && level > slog.LevelDebug
	if !wanted && !failed && s.cfg.Observe == nil {
		return
	}
	took := time.Since(x.started)
	if s.cfg.Observe != nil {
		s.cfg.Observe(name, x.status, took)
	}
	if !wanted && !failed {
		return
	}
	l := line{
		level: level, at: x.started, took: took, requestID: x.requestID, route: name, method: knownMethod(x.r.Method),
		status: x.status, bytes: len(x.out),
	}
	if x.refusal != nil {
		l.code, l.err = string(x.refusal.Code), x.maskedCause()
	}
	if s.cfg.LogUnmasked {
		l.path = x.r.URL.RequestURI()
	}
	if wanted {
		s.cfg.AccessLog.put(l)
		return
	}
	l.write(context.WithoutCancel(ctx), s.cfg.Log)
}

// knownMethod keeps what a stranger made up out of the log.
func knownMethod(m string) string {
	switch m {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
		http.MethodOptions, http.MethodConnect, http.MethodTrace:
		return m
	default:
		return "other"
	}
}
