package fault_test

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"scrip/internal/fault"
)

// declared reads codes.go and returns the code of every Err… variable by the variable's name.
func declared(t *testing.T) map[string]fault.Code {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "codes.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	codes := map[string]fault.Code{}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Values) != len(spec.Names) {
			return true
		}
		for at, name := range spec.Names {
			if strings.HasPrefix(name.Name, "Err") {
				codes[name.Name] = codeOf(t, name.Name, spec.Values[at])
			}
		}
		return true
	})
	return codes
}

// codeOf returns the Code of an &Error{…} expression.
func codeOf(t *testing.T, name string, value ast.Expr) fault.Code {
	t.Helper()
	var code fault.Code
	ast.Inspect(value, func(n ast.Node) bool {
		pair, ok := n.(*ast.KeyValueExpr)
		if !ok {
			return true
		}
		key, isIdent := pair.Key.(*ast.Ident)
		text, isLit := pair.Value.(*ast.BasicLit)
		if isIdent && isLit && key.Name == "Code" {
			unquoted, err := strconv.Unquote(text.Value)
			if err != nil {
				t.Fatal(err)
			}
			code = fault.Code(unquoted)
		}
		return true
	})
	if code == "" {
		t.Errorf("%s has no Code", name)
	}
	return code
}

func TestAllIsEveryFaultOnce(t *testing.T) {
	t.Parallel()
	listed := map[fault.Code]bool{}
	for _, e := range fault.All() {
		if listed[e.Code] {
			t.Errorf("All lists %s twice", e.Code)
		}
		listed[e.Code] = true
	}
	codes := declared(t)
	names := map[fault.Code]string{}
	for name, code := range codes {
		if other, ok := names[code]; ok {
			t.Errorf("%s and %s have the one code %s", name, other, code)
		}
		names[code] = name
		if !listed[code] {
			t.Errorf("All lacks %s (%s)", name, code)
		}
	}
	if len(codes) == 0 || len(codes) != len(listed) {
		t.Errorf("codes.go declares %d faults and All lists %d", len(codes), len(listed))
	}
}

func TestEveryFaultIsFitToBeShown(t *testing.T) {
	t.Parallel()
	code := regexp.MustCompile(`^[a-z]+(_[a-z]+)*$`)
	for _, e := range fault.All() {
		if !code.MatchString(string(e.Code)) {
			t.Errorf("%s is not lower case words with _ between them", e.Code)
		}
		if !strings.HasSuffix(e.Message, ".") || strings.TrimSpace(e.Message) != e.Message || len(e.Message) < 10 {
			t.Errorf("%s: message %q is no sentence with a full stop", e.Code, e.Message)
		}
		if e.Err != nil {
			t.Errorf("%s has a cause of its own", e.Code)
		}
		if e.Kind > fault.Unavailable {
			t.Errorf("%s has the unknown kind %d", e.Code, e.Kind)
		}
		if e.Retryable() != (e.Retry > 0) {
			t.Errorf("%s: retryable %v, but after %v", e.Code, e.Retryable(), e.Retry)
		}
	}
}

func TestIsComparesCodes(t *testing.T) {
	t.Parallel()
	wrapped := fmt.Errorf("redeem %s: %w", "vch_1", fault.ErrSoldOut.With(io.ErrUnexpectedEOF))
	for _, c := range []struct {
		name   string
		err    error
		target error
		want   bool
	}{
		{"itself", fault.ErrSoldOut, fault.ErrSoldOut, true},
		{"another", fault.ErrSoldOut, fault.ErrExpired, false},
		{"same kind, another code", fault.ErrVoucherNotFound, fault.ErrNotRedeemable, false},
		{"no fault", fault.ErrSoldOut, io.EOF, false},
		{"a copy", fault.ErrSoldOut.Says("All gone.").On("code").After(time.Second), fault.ErrSoldOut, true},
		{"wrapped", wrapped, fault.ErrSoldOut, true},
		{"the cause", wrapped, io.ErrUnexpectedEOF, true},
		{"another cause", wrapped, io.EOF, false},
		{"a fault behind a fault", fault.ErrInternal.With(fault.ErrTimeout), fault.ErrTimeout, true},
	} {
		if got := errors.Is(c.err, c.target); got != c.want {
			t.Errorf("%s: Is(%v, %v) = %v", c.name, c.err, c.target, got)
		}
	}
}

func TestCopiesLeaveTheSentinelAlone(t *testing.T) {
	t.Parallel()
	before := *fault.ErrTimeout
	got := fault.ErrTimeout.With(io.EOF).Says("Too late.").On("ends_at").After(time.Minute)
	want := fault.Error{
		Kind: fault.Unavailable, Code: "timeout", Message: "Too late.",
		Field: "ends_at", Retry: time.Minute, Err: io.EOF,
	}
	if *got != want {
		t.Errorf("got %+v, want %+v", *got, want)
	}
	if *fault.ErrTimeout != before {
		t.Errorf("the sentinel became %+v", *fault.ErrTimeout)
	}
	if text := got.Error(); text != "timeout: Too late.: EOF" {
		t.Errorf("Error() = %q", text)
	}
	if text := fault.ErrSoldOut.Error(); text != "quantity_exceeded: This code is sold out." {
		t.Errorf("Error() = %q", text)
	}
}

func TestFrom(t *testing.T) {
	t.Parallel()
	if got := fault.From(nil); got != nil {
		t.Errorf("From(nil) = %v", got)
	}
	if got := fault.From(fault.ErrSoldOut); got != fault.ErrSoldOut {
		t.Errorf("From(ErrSoldOut) = %v", got)
	}
	named := fault.ErrInvalidAmount.On("credit")
	if got := fault.From(fmt.Errorf("a: %w", errors.Join(io.EOF, fmt.Errorf("b: %w", named)))); got != named {
		t.Errorf("From of a wrapped fault = %v", got)
	}
	got := fault.From(io.ErrClosedPipe)
	if got.Code != fault.ErrInternal.Code || !errors.Is(got, io.ErrClosedPipe) {
		t.Errorf("From of another error = %v", got)
	}
	if fault.ErrInternal.Err != nil {
		t.Error("From changed ErrInternal")
	}
}
