package stampede

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"testing"
)

// FuzzAnswer reads any bytes, that come in pieces, as a server's answer, and any text as its body. It always ends. Where
// net/http reads an answer too, both read the same; and of what is JSON, each member is what encoding/json says it is.
func FuzzAnswer(f *testing.F) {
	f.Add([]byte("HTTP/1.1 201 Created\r\nContent-Length: 13\r\nIdempotent-Replayed: true\r\n\r\n"+`{"code":"a"}`+"\n"), uint8(1))
	f.Add([]byte("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 503 No\r\nRetry-After: 2\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"), uint8(200))
	f.Add([]byte("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\n{\"a\":\r\n2\r\n1}\r\n0\r\n\r\n"), uint8(7))
	f.Add([]byte("HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n"), uint8(3))
	f.Add([]byte(`{"a":[1,{"b":"\""}],"c":"d"}`), uint8(0))
	f.Add([]byte(`[{"a":1},2,"x"]`), uint8(0))
	f.Fuzz(func(t *testing.T, text []byte, piece uint8) {
		checkExchange(t, text, int(piece)+1)
		checkMembers(t, text)
		read(text)
		balance(text, "IRR")
	})
}

// wire is a connection on which text arrives in pieces.
type wire struct {
	net.Conn
	text  []byte
	piece int
}

func (w *wire) Write(b []byte) (int, error) { return len(b), nil }

func (w *wire) Read(b []byte) (int, error) {
	n := copy(b[:min(len(b), w.piece)], w.text)
	w.text = w.text[n:]
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

func checkExchange(t *testing.T, text []byte, piece int) {
	t.Helper()
	c := &conn{nc: &wire{text: text, piece: piece}}
	got, err := c.exchange(nil)
	if err != nil {
		return
	}
	if len(got.body) > bodyMax || len(c.buf) > 4*(headMax+bodyMax) {
		t.Fatalf("%q gives %d bytes, of a buffer of %d", text, len(got.body), len(c.buf))
	}
	if bytes.Count(text, []byte("\n")) != bytes.Count(text, []byte("\r\n")) {
		return // net/http takes a line feed alone for a line's end too
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://x/", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	want, err := lastAnswer(bufio.NewReader(bytes.NewReader(text)), request)
	if err != nil {
		return // net/http is stricter about what we don't look at
	}
	defer func() { _ = want.Body.Close() }()
	if want.StatusCode == http.StatusNoContent || want.StatusCode == http.StatusNotModified || want.ContentLength < 0 && len(want.TransferEncoding) == 0 {
		return // these have no body, whatever their length says; and this one ends with its connection
	}
	body, err := io.ReadAll(want.Body)
	if err == nil && (got.status != want.StatusCode || !bytes.Equal(got.body, body)) {
		t.Fatalf("%q is read as %d %q; net/http reads %d %q", text, got.status, got.body, want.StatusCode, body)
	}
}

// lastAnswer is the answer after those that are only on the way.
func lastAnswer(r *bufio.Reader, request *http.Request) (*http.Response, error) {
	for {
		res, err := http.ReadResponse(r, request)
		if err != nil || res.StatusCode >= 200 {
			return res, err
		}
		_ = res.Body.Close()
		if res.StatusCode == http.StatusSwitchingProtocols {
			return nil, errors.New("another protocol")
		}
	}
}

func checkMembers(t *testing.T, text []byte) {
	t.Helper()
	var values [][]byte
	for name, value := range members(text) {
		if !bytes.Contains(text, name) || !bytes.Contains(text, value) {
			t.Fatalf("%q yields %q: %q", text, name, value)
		}
		values = append(values, value)
	}
	var items [][]byte
	for value := range elements(text) {
		if !bytes.Contains(text, value) {
			t.Fatalf("%q yields %q", text, value)
		}
		items = append(items, value)
	}
	if !json.Valid(text) {
		return
	}
	var want []json.RawMessage
	if json.Unmarshal(text, &want) == nil && !slices.EqualFunc(items, want, func(a []byte, b json.RawMessage) bool { return bytes.Equal(a, b) }) {
		t.Fatalf("%q yields %q, want %q", text, items, want)
	}
	if object := rawMembers(text); object != nil && !slices.EqualFunc(values, object, bytes.Equal) {
		t.Fatalf("%q yields %q, want %q", text, values, object)
	}
}

// rawMembers are the values of a valid object's members, by encoding/json; nil for anything else.
func rawMembers(text []byte) [][]byte {
	d := json.NewDecoder(bytes.NewReader(text))
	if start, err := d.Token(); err != nil || start != json.Delim('{') {
		return nil
	}
	values := [][]byte{}
	for d.More() {
		var value json.RawMessage
		if _, err := d.Token(); err != nil {
			return nil
		}
		if err := d.Decode(&value); err != nil {
			return nil
		}
		values = append(values, value)
	}
	return values
}
