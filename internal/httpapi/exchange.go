package httpapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"strconv"
	"time"

	"scrip/internal/access"
	"scrip/internal/fault"
	"scrip/internal/id"
	"scrip/internal/voucher"
)

// exchange is one request and its answer, on its way through one handler. Exchanges are pooled: nothing
// may hold one, or its buffers, after the answer is written.
type exchange struct {
	s  *server
	rt *route
	w  http.ResponseWriter
	r  *http.Request

	started   time.Time // by this machine's clock: for deadlines and for how long it took
	requestID string
	idHeader  []string
	caller    access.Caller
	limits    limits
	key       string // the Idempotency-Key, empty for none

	patience time.Duration   // how long the client waits, where that is less than our own timeout; else zero
	limit    context.Context //nolint:containedctx // that of this one request, made when it is asked for
	endLimit context.CancelFunc
	working  bool // it has a place among those that are judged

	in  []byte // the body
	out []byte // the answer

	status   int
	kind     []string // Content-Type
	replayed bool
	written  bool                // the handler has answered by itself
	first    *voucher.Redemption // the receipt that stands beside already_redeemed
	refusal  *fault.Error        // what went wrong, for the log

	// The hot routes' requests, here so that decoding allocates only the strings.
	use    useRequest
	redeem redeemRequest
}

// The values of headers, made once: net/http copies them.
//
//nolint:gochecknoglobals // constants in all but name
var (
	jsonType    = []string{"application/json"}
	problemType = []string{"application/problem+json"}
	textType    = []string{"text/plain; charset=utf-8"}
	yamlType    = []string{"application/yaml"}
	isTrue      = []string{"true"}
)

// serve is a route as an http.Handler: the one place where requests begin and end.
func (s *server) serve(rt *route) http.Handler {
	name := "unmatched"
	if rt.method != "" {
		name = rt.method + " " + rt.path
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		x := s.exchanges.Get().(*exchange) //nolint:forcetypeassert,errcheck // the pool holds nothing else
		x.begin(rt, w, r)
		x.guardAnswer()
		if err := x.run(); err != nil {
			x.fail(err)
		}
		// gofail: var beforeAnswer struct{}
		if !x.written {
			x.write()
		}
		s.note(r.Context(), x, name)
		x.release()
	})
}

func (x *exchange) begin(rt *route, w http.ResponseWriter, r *http.Request) {
	x.rt, x.w, x.r = rt, w, r
	x.started = time.Now() //nolint:forbidigo // timers run by this clock, not by one of a test
	x.status, x.kind = http.StatusOK, jsonType
	if given := r.Header["X-Request-Id"]; len(given) == 1 && validRequestID(given[0]) {
		x.requestID, x.idHeader = given[0], given
		return
	}
	x.requestID = id.New(x.started).Format(id.Request)
	x.idHeader = []string{x.requestID}
}

// run lets a request in, calls its handler and makes an error of a panic.
func (x *exchange) run() (err error) {
	defer func() {
		switch p := recover(); {
		case p == nil:
		case errors.Is(asError(p), http.ErrAbortHandler):
			panic(p) // the one panic that net/http means for itself
		default:
			err = fault.ErrInternal.With(fmt.Errorf("panic: %s\n%s", x.panicText(p), debug.Stack()))
		}
	}()
	if err := x.admit(); err != nil {
		return err
	}
	if err := x.askPatience(); err != nil {
		return err
	}
	if err := x.askKey(); err != nil {
		return err
	}
	if x.rt.body.bytesMax == 0 { // with a body, it begins to work once that is here
		if err := x.work(); err != nil {
			return err
		}
	}
	return x.rt.handle(x)
}

func asError(p any) error {
	err, _ := p.(error)
	return err
}

// autoLengthMax is the longest answer that net/http sets Content-Length for by itself, without a string.
const autoLengthMax = 2048

// write sends the answer in one piece.
func (x *exchange) write() {
	h := x.w.Header()
	h["X-Request-Id"] = x.idHeader
	if x.replayed {
		h["Idempotent-Replayed"] = isTrue
	}
	x.writeLimits(h)
	if x.status == http.StatusNoContent {
		x.w.WriteHeader(x.status)
		return
	}
	h["Content-Type"] = x.kind
	if len(x.out) >= autoLengthMax {
		h["Content-Length"] = []string{strconv.Itoa(len(x.out))}
	}
	x.w.WriteHeader(x.status)
	_, _ = x.w.Write(x.out) // a client that has gone can't be told
}

// buffersMax bounds what a pooled exchange keeps; a batch's body and a page of 100 objects go back.
const buffersMax = 32 << 10

func (x *exchange) release() {
	x.stopWorking()
	x.limits.attempt.Done()
	if x.endLimit != nil {
		x.endLimit()
	}
	in, out := x.in[:0], x.out[:0]
	if cap(in) > buffersMax {
		in = nil
	}
	if cap(out) > buffersMax {
		out = nil
	}
	s := x.s
	*x = exchange{s: s, in: in, out: out}
	s.exchanges.Put(x)
}

// askKey takes in the request's Idempotency-Key by its route's rule. What can't be honoured is refused here, never
// ignored: whoever sends a key means to ask again.
func (x *exchange) askKey() error {
	given, ok := x.r.Header["Idempotency-Key"]
	switch {
	case !ok || x.rt.key.needless:
		return nil
	case !x.rt.key.honoured:
		return fault.ErrInvalidRequest.Says(x.rt.key.instead).On("Idempotency-Key")
	case len(given) != 1 || !validKey(given[0]):
		return fault.ErrInvalidKey
	}
	x.key = given[0]
	return nil
}

const (
	keyLengthMax       = 255
	requestIDLengthMax = 64
)

func validKey(k string) bool {
	if k == "" || len(k) > keyLengthMax {
		return false
	}
	for i := range len(k) {
		if k[i] <= ' ' || k[i] > '~' {
			return false
		}
	}
	return true
}

func validRequestID(s string) bool {
	if s == "" || len(s) > requestIDLengthMax {
		return false
	}
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '.', c == '_', c == '-':
		default:
			return false
		}
	}
	return true
}
