package httpapi

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"scrip/internal/fault"
)

// Site is by which names the server may be asked, and which other sites' pages may ask it. The zero value, and
// nil, takes any name and no other site's page.
//
// What a page can do through the browser of somebody who can reach the server is held off twice. A request that
// may change something says where it comes from (Sec-Fetch-Site, or Origin), and is refused if that is
// another site: browsers send some requests, a form's or those of fetch's no-cors, without asking the server
// first. And a page whose own name was made to point here after it was loaded (DNS rebinding) says "same origin"
// in good faith: it is told by the name in Host.
type Site struct {
	hosts    []string // in small letters, without ports
	loopback bool
	origins  []string
	guard    http.CrossOriginProtection // of all routes
	shared   http.CrossOriginProtection // of those that the pages of origins may call
}

// NewSite returns the site of a server. With hosts, it is asked by one of these names or by an address, and by no
// other name. Without, any name does; but while a server on loopback asks for no keys, localhost and addresses
// alone. Origins, as in "https://shop.example.com", are the sites whose pages may call the routes of publishable
// keys.
func NewSite(hosts, origins []string, loopback bool) (*Site, error) {
	s := &Site{loopback: loopback, origins: origins}
	for _, host := range hosts {
		s.hosts = append(s.hosts, strings.ToLower(strings.TrimSuffix(host, ".")))
	}
	for _, origin := range origins {
		if err := s.shared.AddTrustedOrigin(origin); err != nil {
			return nil, fmt.Errorf("the origin %q: %w", origin, err)
		}
	}
	return s, nil
}

// knows reports whether Host is one by which the server may be asked, while it is open or not.
//
// An address is always good: rebinding needs a name, since the page that was loaded from an address comes from
// the very server that it asks. So is a missing Host: no browser leaves it out.
func (s *Site) knows(host string, open bool) bool {
	if len(s.hosts) == 0 && (!open || !s.loopback) || host == "" {
		return true
	}
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	} else {
		name = strings.TrimSuffix(strings.TrimPrefix(name, "["), "]")
	}
	if _, err := netip.ParseAddr(name); err == nil {
		return true
	}
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	return name == "localhost" || slices.Contains(s.hosts, name)
}

// allows reports whether a page of that origin may call with a publishable key.
func (s *Site) allows(origin string) bool { return slices.Contains(s.origins, origin) }

// checkOrigin refuses what another site's page sends through somebody's browser.
func (x *exchange) checkOrigin() error {
	site := x.s.cfg.Site
	if !site.knows(x.r.Host, x.s.open()) {
		return fault.ErrUnknownHost
	}
	guard := &site.guard
	if x.rt.may.publishable {
		guard = &site.shared
		x.share(site)
	}
	if guard.Check(x.r) != nil {
		return fault.ErrCrossOrigin
	}
	return nil
}

// open reports whether the server asks for no keys.
func (s *server) open() bool { return s.cfg.Access == nil || s.cfg.Access.Open() }
