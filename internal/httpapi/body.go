package httpapi

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"reflect"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"scrip/internal/fault"
)

// strict is how bodies are read: beyond what the package refuses by itself (a member named twice, text
// that is not UTF-8, trailing garbage, another case), a member that we don't know is refused.
//
//nolint:gochecknoglobals // made once
var (
	strict = json.RejectUnknownMembers(true)
	// strictWithNull is for a body in which a null may be: that every value is looked at twice costs time, and the crowd
	// sends none.
	strictWithNull = json.JoinOptions(strict, json.WithUnmarshalers(json.UnmarshalFromFunc(noNull)))
)

// decode reads the request's body into out, which must be a pointer to a struct.
func (x *exchange) decode(out any) error {
	if err := x.read(); err != nil {
		return err
	}
	return decodeJSON(x.in, out)
}

// decodeOptional is decode for a body that may be missing.
func (x *exchange) decodeOptional(out any) error {
	if err := x.read(); err != nil {
		return err
	}
	if start(x.in) == 0 {
		return nil
	}
	return decodeJSON(x.in, out)
}

// read takes in the whole body, within the route's bounds. With it the request is here, and begins to work.
func (x *exchange) read() error {
	if err := x.checkType(); err != nil {
		return err
	}
	if x.r.ContentLength > int64(x.rt.body.bytesMax) {
		return tooLarge(x.rt.body.bytesMax)
	}
	if err := x.receive(); err != nil {
		return err
	}
	return x.work()
}

// readAll reads the body to its end, up to a limit in bytes.
func (x *exchange) readAll(limit int) error {
	if x.in == nil {
		x.in = make([]byte, 0, 1024)
	}
	b := x.in[:0]
	for {
		if len(b) == cap(b) {
			b = append(b, 0)[:len(b)]
		}
		n, err := x.r.Body.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		x.in = b
		switch {
		case len(b) > limit:
			return tooLarge(limit)
		case err == nil:
		case errors.Is(err, io.EOF):
			return nil
		default:
			return fault.ErrInvalidRequest.Says("The body ended before it was complete.").With(err)
		}
	}
}

func tooLarge(limit int) error {
	return fault.ErrBodyTooLarge.Says("This route takes a body of up to " + strconv.Itoa(limit>>10) + " KiB.")
}

// checkType refuses a body that says it is something else than plain JSON.
func (x *exchange) checkType() error {
	h := x.r.Header
	if encoded := h["Content-Encoding"]; len(encoded) > 0 && !strings.EqualFold(encoded[0], "identity") {
		return fault.ErrMediaType.Says("Send the body as it is, without a Content-Encoding.").On("Content-Encoding")
	}
	given := h["Content-Type"]
	if x.rt.body.anyType || len(given) == 0 || x.r.ContentLength == 0 {
		return nil
	}
	if len(given) == 1 {
		if given[0] == "application/json" {
			return nil
		}
		if media, _, err := mime.ParseMediaType(given[0]); err == nil && media == "application/json" {
			return nil
		}
	}
	return fault.ErrMediaType.On("Content-Type")
}

// start is the first byte of b that is no white space, 0 for none.
func start(b []byte) byte {
	for _, c := range b {
		switch c {
		case ' ', '\t', '\r', '\n':
		default:
			return c
		}
	}
	return 0
}

// decodeJSON reads one JSON object, strictly.
func decodeJSON(b []byte, out any) error {
	switch start(b) {
	case '{':
	case 0:
		return fault.ErrMalformedJSON.Says("The body is empty; send one JSON object.")
	default:
		return fault.ErrMalformedJSON.Says("The body must be one JSON object.")
	}
	options := strict
	if bytes.Contains(b, []byte("null")) {
		options = strictWithNull
	}
	if err := json.Unmarshal(b, out, options); err != nil {
		return bodyFault(err)
	}
	return nil
}

// noNull refuses null for every member, and every item of a list, whose type does not say by itself what null means, as
// nullable and instant do. The package would read it as the zero value.
func noNull(d *jsontext.Decoder, out any) error {
	if _, judges := out.(json.UnmarshalerFrom); judges || d.PeekKind() != 'n' {
		return errors.ErrUnsupported // it is read as always
	}
	return nullError{reflect.TypeOf(out).Elem()}
}

// nullError says what a member that is null should have been.
type nullError struct{ want reflect.Type }

func (e nullError) Error() string { return "null is not " + kindOf(e.want) }

// bodyFault says what is wrong with a body, and where. It repeats nothing of the body but the names of
// members: values may be codes.
func bodyFault(err error) error {
	if e, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		return syntaxFault(e)
	}
	e, ok := errors.AsType[*json.SemanticError](err)
	if !ok {
		return fault.ErrMalformedJSON.With(err)
	}
	field := dotted(e.JSONPointer)
	if f, ok := errors.AsType[*fault.Error](e.Err); ok {
		return f.On(field)
	}
	if errors.Is(e.Err, json.ErrUnknownName) {
		return fault.ErrInvalidRequest.Says("There is no member " + strconv.Quote(field) + " that this request takes.").On(field)
	}
	want := e.GoType
	if null, ok := errors.AsType[nullError](e.Err); ok {
		want = null.want
	}
	return fault.ErrInvalidRequest.Says("The member " + strconv.Quote(field) + " must be " + kindOf(want) + ".").On(field)
}

func syntaxFault(e *jsontext.SyntacticError) error {
	switch {
	case errors.Is(e.Err, jsontext.ErrDuplicateName):
		field := dotted(e.JSONPointer)
		return fault.ErrMalformedJSON.Says("The member " + strconv.Quote(field) + " is named twice.").On(field)
	case errors.Is(e.Err, io.ErrUnexpectedEOF):
		return fault.ErrMalformedJSON.Says("The body ends before its JSON does.")
	case strings.Contains(e.Err.Error(), "UTF-8"):
		return fault.ErrMalformedJSON.Says("The body is not UTF-8 at byte " + strconv.FormatInt(e.ByteOffset, 10) + ".")
	default:
		return fault.ErrMalformedJSON.Says("The body is not one valid JSON object: see byte " + strconv.FormatInt(e.ByteOffset, 10) + ".")
	}
}

// fieldMax bounds how much of a caller's own names is repeated.
const fieldMax = 64

// dotted is a JSON pointer as problems name fields: order.amount, redemptions[3].code.
func dotted(p jsontext.Pointer) string {
	var b strings.Builder
	for token := range p.Tokens() {
		if _, err := strconv.ParseUint(token, 10, 32); err == nil && b.Len() > 0 {
			b.WriteString("[" + token + "]")
			continue
		}
		if b.Len() > 0 {
			b.WriteByte('.')
		}
		b.WriteString(token)
	}
	return shown(b.String())
}

// shown is a caller's own name for something, fit to be repeated.
func shown(name string) string {
	if len(name) > fieldMax {
		return strings.ToValidUTF8(name[:fieldMax], "") + "…"
	}
	return strings.ToValidUTF8(name, "\uFFFD")
}

// kindOf says in words what a member must be.
func kindOf(t reflect.Type) string {
	if t == nil {
		return "of another type"
	}
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch t.Kind() {
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	case reflect.Int64:
		return "a whole number"
	case reflect.Slice, reflect.Array:
		return "an array"
	case reflect.Struct:
		return "an object"
	default:
		return "of another type"
	}
}
