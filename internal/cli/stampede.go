package cli

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"scrip/internal/stampede"
)

type stampedeCmd struct {
	remote `embed:""`

	Replicas    []string      `name:"replica" placeholder:"URL" help:"A further server of the same store, over which the crowd is spread too; may be given again."`
	Code        string        `name:"code" required:"" placeholder:"NAME" help:"The code that they all ask for."`
	Customers   int           `name:"customers" short:"n" default:"10000" placeholder:"N" help:"Distinct customers, each asking once (${default})."`
	Concurrency int           `name:"concurrency" short:"c" default:"64" placeholder:"C" help:"Connections (${default})."`
	Repeat      int           `name:"repeat" placeholder:"R" help:"Each customer asks R times more, half of them during the flood and half after it."`
	Timeout     time.Duration `name:"timeout" default:"15s" placeholder:"DURATION" help:"Longest wait for one answer (${default})."`
	Patience    time.Duration `name:"patience" default:"30s" placeholder:"DURATION" help:"How long one customer tries again while the server is away or busy (${default})."`
	Within      time.Duration `name:"within" default:"15m" placeholder:"DURATION" help:"Longest time for everything (${default})."`
}

// Help is the long help.
func (*stampedeCmd) Help() string {
	return `It makes customers that the server has never seen, lets each ask for the code once, and then asks the server: as many must have won as there were uses, each with a rank of its own, each credited once, and nobody else. A request whose answer is lost is asked again under its Idempotency-Key, so a server may be killed and started meanwhile. It exits with 0 if everything is exact, and with 1 if not.

With --replica the crowd is spread over several servers of one store: a customer asks again on another one, and where one fails, the next is asked.

Where the server asks for keys, give a secret one with the scopes redeem and read, and without a rate of its own.

It leaves its customers and redemptions on the server: rehearse with a code made for it, and let nobody else use that code meanwhile.

Example:
  scrip code create --code rehearsal --credit 1000 --limit 1000
  scrip stampede --code rehearsal --customers 20000 --concurrency 64 --repeat 1`
}

// Run rehearses.
func (k *stampedeCmd) Run(c *command) error {
	key, err := k.secret()
	if err != nil {
		return usageError{err}
	}
	if err := checkURL(k.URL); err != nil {
		return usage("--url (SCRIP_URL) is %.200q: %w", k.URL, err)
	}
	for _, replica := range k.Replicas {
		if err := checkURL(replica); err != nil {
			return usage("--replica is %.200q: %w", replica, err)
		}
	}
	cfg := stampede.Config{
		URL: k.URL, Key: key, Replicas: k.Replicas, Code: k.Code, Customers: k.Customers, Concurrency: k.Concurrency, Repeat: k.Repeat,
		Timeout: k.Timeout, Patience: k.Patience, Limit: k.Within,
	}
	if !c.json && isTerminal(c.Stderr) {
		cfg.Progress = func(p stampede.Progress) { drawProgress(c.Stderr, p) }
	}
	s, err := stampede.Run(c.ctx, cfg)
	if cfg.Progress != nil {
		_, _ = fmt.Fprint(c.Stderr, clearLine)
	}
	if err != nil {
		return err
	}
	if err := c.answer(s, func(w io.Writer) { describeStampede(w, s) }); err != nil {
		return err
	}
	if !s.Exact {
		return errNo
	}
	return nil
}

const (
	clearLine = "\r\x1b[2K"
	barWidth  = 24
)

// drawProgress draws one line over the last one.
func drawProgress(w io.Writer, p stampede.Progress) {
	done := int(p.Done * barWidth / max(p.Total, 1))
	bar := strings.Repeat("█", done) + strings.Repeat("░", barWidth-done)
	text := fmt.Sprintf("%s%s %s %3d%%  %s/s  %s  p50 %s  p99 %s", clearLine, p.Doing, bar, 100*p.Done/max(p.Total, 1),
		count(int64(p.Rate)), plural(p.Winners, "winner", "winners"), short(p.P50), short(p.P99))
	if p.Failures > 0 {
		text += "  " + plural(p.Failures, "error", "errors")
	}
	_, _ = fmt.Fprint(w, text)
}

// short shows a duration with three digits or so.
func short(d time.Duration) string {
	switch {
	case d < 10*time.Millisecond:
		return d.Round(10 * time.Microsecond).String()
	case d < time.Second:
		return d.Round(100 * time.Microsecond).String()
	default:
		return d.Round(10 * time.Millisecond).String()
	}
}

// describeStampede shows the summary to a person.
func describeStampede(w io.Writer, s *stampede.Summary) {
	verdict := "EXACT"
	switch {
	case s.Interrupted:
		verdict = "INTERRUPTED: nothing is proven"
	case !s.Exact:
		verdict = "NOT EXACT"
	}
	line(w, "%s", verdict)
	line(w, "code\t%s", s.Code)
	line(w, "customers\t%s, named %s-…", count(s.Customers), s.Run)
	line(w, "winners\t%s, expected %s", count(s.Winners), count(s.WinnersExpected))
	for _, reason := range slices.Sorted(maps.Keys(s.Refusals)) {
		line(w, "%s\t%s", reason, count(s.Refusals[reason]))
	}
	if s.Repeats.Asked > 0 {
		line(w, "asked again\t%s: %s replayed, %s already redeemed, %s refused", count(s.Repeats.Asked),
			count(s.Repeats.Replayed), count(s.Repeats.Already), count(s.Repeats.Refused))
	}
	if s.Unknown > 0 {
		line(w, "no verdict\t%s", count(s.Unknown))
	}
	if s.Errors > 0 || s.Busy > 0 {
		line(w, "tried again\t%s after an error, %s because the server was busy", count(s.Errors), count(s.Busy))
	}
	line(w, "rate\t%s/s over %.2f s", count(int64(s.RatePerSecond)), s.Seconds)
	line(w, "latency\tp50 %.2f ms, p99 %.2f ms, longest %.2f ms", s.P50, s.P99, s.Max)
	for _, wrong := range s.Wrong {
		line(w, "wrong: %s", wrong)
	}
	if more := s.WrongTotal - len(s.Wrong); more > 0 {
		line(w, "wrong: and %s more", count(more))
	}
}
