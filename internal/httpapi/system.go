package httpapi

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"scrip/api"
	"scrip/internal/fault"
)

func (s *server) healthy(x *exchange) error {
	x.out = s.appendStatus(x.out, "alive", nil)
	return nil
}

// ready answers 503 with the reason while requests should go elsewhere.
func (s *server) ready(x *exchange) error {
	if s.cfg.Ready != nil {
		if err := s.cfg.Ready(); err != nil {
			if f, ok := errors.AsType[*fault.Error](err); ok {
				return f
			}
			return fault.ErrStoreUnavailable.With(err)
		}
	}
	var away []string
	if s.cfg.Degraded != nil {
		away = s.cfg.Degraded()
	}
	x.out = s.appendStatus(x.out, "ready", away)
	return nil
}

func (s *server) appendStatus(dst []byte, status string, away []string) []byte {
	dst = append(dst, `{"status":"`...)
	dst = append(dst, status...)
	dst = append(dst, '"')
	if s.cfg.Version != "" {
		dst = append(dst, `,"version":`...)
		dst = appendText(dst, s.cfg.Version)
	}
	for i, name := range away {
		if i == 0 {
			dst = append(dst, `,"degraded":[`...)
		} else {
			dst = append(dst, ',')
		}
		dst = appendText(dst, name)
	}
	if len(away) > 0 {
		dst = append(dst, ']')
	}
	return append(dst, '}')
}

func (s *server) metrics(x *exchange) error {
	if s.cfg.Metrics == nil {
		return fault.ErrNoRoute
	}
	x.w.Header()["X-Request-Id"] = x.idHeader
	w := &watched{ResponseWriter: x.w, x: x}
	s.cfg.Metrics.ServeHTTP(w, x.r)
	x.written = true
	return nil
}

// watched sees what a handler that is not ours answers.
type watched struct {
	http.ResponseWriter
	x *exchange
}

// WriteHeader remembers the status.
func (w *watched) WriteHeader(status int) {
	w.x.status, w.x.written = status, true
	w.ResponseWriter.WriteHeader(status)
}

// Write remembers that something was written.
func (w *watched) Write(b []byte) (int, error) {
	w.x.written = true
	return w.ResponseWriter.Write(b)
}

// Unwrap is for http.ResponseController.
func (w *watched) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (s *server) contract(x *exchange) error {
	x.kind = yamlType
	// Not a copy: whoever reads it slowly would hold one, and over HTTP/2 a hundred. Nothing is appended to it in its
	// place, as it has no room, nor when the exchange is used again, as release keeps nothing so large.
	x.out = slices.Clip(api.OpenAPI)
	return nil
}

// index tells a person with a browser or with curl what to try.
func (s *server) index(x *exchange) error {
	x.kind = textType
	at, curl := safeHost(x.r.Host), "  curl"
	if !s.open() {
		curl += ` -u "$SCRIP_KEY:"`
	}
	x.out = append(x.out, "Scrip redeems charge codes and discount codes into wallets.\n\nTry:\n"+
		curl+" -d '{\"code\":\"salam\",\"mobile\":\"093648644710\"}' "+at+"/codes/use\n"+
		curl+" -d '{\"mobile\":\"093648644710\"}' "+at+"/wallet/balance\n"+
		curl+" -d '{\"code\":\"salam\"}' "+at+"/codes/report\n\n"+
		"All requests: "+at+"/openapi.yaml\n"+
		"Is it up?     "+at+"/readyz\n"...)
	return nil
}

// safeHost is the host that the client asked for, unless somebody made it up to be read as more than that.
func safeHost(host string) string {
	const usual = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:[]"
	if host == "" || strings.ContainsFunc(host, func(c rune) bool { return !strings.ContainsRune(usual, c) }) {
		return "localhost:8000"
	}
	return host
}
