package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"

	"scrip/client"
	"scrip/internal/app"
	"scrip/internal/fault"
	"scrip/internal/stampede"
)

// The exit codes. They are public: scripts rely on them.
const (
	exitDone        = 0
	exitNo          = 1
	exitUsage       = 2
	exitUnavailable = 3
	exitInternal    = 4
)

// usageError is a command line or a configuration that can't be right.
type usageError struct{ err error }

func (e usageError) Error() string { return e.err.Error() }
func (e usageError) Unwrap() error { return e.err }

func usage(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// errNo is a "no" whose answer is already printed: a stampede that was not exact, a verify that found
// something.
var errNo = errors.New("no")

// fail prints an error, if it is one, and returns the exit code.
func (c *command) fail(err error) int {
	if err == nil {
		return exitDone
	}
	if errors.Is(err, errNo) {
		return exitNo
	}
	code, p := c.problem(err)
	if c.json {
		c.printProblem(p)
		return code
	}
	text := p.Detail
	if r := p.Redemption; r != nil {
		text += fmt.Sprintf(" It was number %s", count(r.Rank))
		if r.ID != "" { // not on the public face
			text += ", receipt " + r.ID
		}
		text += "."
	}
	if p.Field != "" {
		text += " [" + p.Field + "]"
	}
	if p.Code != "" && p.Status != 0 {
		text += " (" + string(p.Code) + ")"
	}
	_, _ = fmt.Fprintln(c.Stderr, "scrip:", text)
	return code
}

// printProblem writes a problem as the server would.
func (c *command) printProblem(p *client.Error) {
	text, err := json.Marshal(p)
	if err != nil {
		_, _ = fmt.Fprintln(c.Stderr, "scrip:", p.Detail)
		return
	}
	_, _ = fmt.Fprintf(c.Stderr, "%s\n", text)
}

// problem tells what an error means: the exit code, and the problem to print.
func (c *command) problem(err error) (int, *client.Error) {
	var theirs *client.Error
	var start *app.StartError
	var ours *fault.Error
	var wrong usageError
	switch {
	case errors.As(err, &theirs):
		return exitOf(theirs), theirs
	case errors.As(err, &wrong):
		return exitUsage, local("usage", "The command line or the configuration is wrong.", err)
	case errors.Is(err, stampede.ErrUnfit):
		return exitUsage, local("usage", "The rehearsal can't be run.", err)
	case errors.As(err, &start):
		return exitUsage, local("start_failed", "The server did not start.", err)
	case errors.As(err, &ours):
		return exitUsage, local(string(ours.Code), ours.Message, errors.New(ours.Message))
	case unreachable(err):
		p := local("unreachable", "The server can't be reached.", err)
		p.Detail, p.Retryable = cantReach(err), true
		return exitUnavailable, p
	case errors.Is(err, context.Canceled):
		return exitInternal, local("interrupted", "Interrupted.", errors.New("interrupted"))
	default:
		return exitInternal, local("internal", "Something failed that should not.", err)
	}
}

// local is a problem of ours, in one line.
func local(code, title string, err error) *client.Error {
	detail := strings.Join(strings.FieldsFunc(err.Error(), func(r rune) bool { return r == '\n' }), "; ")
	return &client.Error{Type: "about:blank", Title: title, Detail: detail, Code: client.Code(code)}
}

// exitOf is the exit code of a problem that the server answered with, by the kind of its code.
func exitOf(p *client.Error) int {
	for _, f := range fault.All() {
		if string(f.Code) != string(p.Code) {
			continue
		}
		switch f.Kind {
		case fault.Refused, fault.NotFound, fault.Conflict:
			return exitNo
		case fault.Invalid, fault.TooLarge, fault.Unsupported, fault.WrongMethod, fault.Unauthorized, fault.Forbidden:
			return exitUsage
		case fault.Limited, fault.Unavailable:
			return exitUnavailable
		case fault.Internal:
			return exitInternal
		}
	}
	if p.Retryable {
		return exitUnavailable
	}
	return exitInternal
}

// unreachable reports whether a request got no answer at all.
func unreachable(err error) bool {
	var transport *url.Error
	var network net.Error
	return errors.As(err, &transport) || errors.As(err, &network)
}

// cantReach says which server did not answer, without the words that every layer adds.
func cantReach(err error) string {
	var transport *url.Error
	if !errors.As(err, &transport) {
		return err.Error()
	}
	where := transport.URL
	if u, bad := url.Parse(where); bad == nil {
		where = u.Scheme + "://" + u.Host
	}
	why := transport.Err
	if op, ok := errors.AsType[*net.OpError](why); ok {
		why = op.Err
	}
	return fmt.Sprintf("can't reach %s: %v; is it running? (scrip serve)", where, why)
}
