package httpapi

import "net/http"

// What every answer tells a browser, made once: net/http copies it.
//
//nolint:gochecknoglobals // constants in all but name
var (
	noSniff    = []string{"nosniff"}
	noStore    = []string{"no-store"}
	noContent  = []string{"default-src 'none'; frame-ancestors 'none'"}
	noReferrer = []string{"no-referrer"}
	sameOrigin = []string{"same-origin"}
	httpsOnly  = []string{"max-age=31536000"} // a year
)

// guardAnswer sets the headers that keep an answer where it belongs: it is what it says it is, and is kept by no
// cache, for it has money or codes in it.
//
// The rest is about answers that a browser shows as a page or takes into another one. It only ever gets such
// an answer by a GET, and it is not sent what would lead it to another method: so the hot routes, which are POSTs,
// are spared three headers, which with the others would make net/http's map grow.
func (x *exchange) guardAnswer() {
	h := x.w.Header()
	h["X-Content-Type-Options"] = noSniff
	h["Cache-Control"] = noStore
	if x.r.TLS != nil {
		h["Strict-Transport-Security"] = httpsOnly
	}
	if x.r.Method == http.MethodPost {
		return
	}
	h["Content-Security-Policy"] = noContent
	h["Referrer-Policy"] = noReferrer
	h["Cross-Origin-Resource-Policy"] = sameOrigin
}
