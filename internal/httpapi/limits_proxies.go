package httpapi

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// proxies are the networks of those whose word about a client's address is taken.
type proxies []netip.Prefix

// client is the address that a request is counted by: the peer's or, where the peer is a trusted proxy, the
// one that it names. X-Forwarded-For is read or, where there is none, Forwarded (RFC 7239), from the right:
// each proxy adds the address that it saw. The first that is no trusted proxy is the client; what stands
// left of it is the client's own invention. A trusted proxy that names nobody, or nobody that we
// understand, is counted itself.
func (p proxies) client(r *http.Request) netip.Addr {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{} // not of a network: a test's, or a socket's
	}
	at := plain(peer.Addr())
	if !p.trust(at) {
		return at
	}
	lines, read := r.Header["X-Forwarded-For"], forwardedFor
	if len(lines) == 0 {
		lines, read = r.Header["Forwarded"], forwarded
	}
	client := at
	for _, line := range slices.Backward(lines) {
		for rest := line; rest != ""; {
			var hop string
			rest, hop = cutLast(rest)
			named, ok := read(strings.Trim(hop, " \t"))
			if !ok {
				return at
			}
			if client = named; !p.trust(client) {
				return client
			}
		}
	}
	return client
}

func (p proxies) trust(a netip.Addr) bool {
	for _, network := range p {
		if network.Contains(a) {
			return true
		}
	}
	return false
}

// cutLast splits a list before its last element. An element with a comma in quotes is cut in two, and so
// not understood; no address has one.
func cutLast(list string) (rest, last string) {
	if at := strings.LastIndexByte(list, ','); at >= 0 {
		return list[:at], list[at+1:]
	}
	return "", list
}

// forwardedFor reads an element of X-Forwarded-For: an address, by some proxies with a port.
func forwardedFor(hop string) (netip.Addr, bool) {
	if a, err := netip.ParseAddr(hop); err == nil {
		return plain(a), true
	}
	if inner, ok := strings.CutPrefix(hop, "["); ok {
		if inner, ok = strings.CutSuffix(inner, "]"); ok {
			a, err := netip.ParseAddr(inner)
			return plain(a), err == nil && a.Is6()
		}
	}
	a, err := netip.ParseAddrPort(hop)
	return plain(a.Addr()), err == nil
}

// forwarded reads an element of Forwarded: its parameter "for", with an IPv6 address in quotes and brackets.
func forwarded(hop string) (netip.Addr, bool) {
	for pair := range strings.SplitSeq(hop, ";") {
		name, value, ok := strings.Cut(strings.Trim(pair, " \t"), "=")
		if !ok || !strings.EqualFold(name, "for") {
			continue
		}
		if inner, ok := strings.CutPrefix(value, `"`); ok {
			if value, ok = strings.CutSuffix(inner, `"`); !ok {
				return netip.Addr{}, false
			}
		}
		return forwardedFor(value)
	}
	return netip.Addr{}, false
}

// plain is an address in its one form: IPv4 inside IPv6 as IPv4, and without a zone.
func plain(a netip.Addr) netip.Addr { return a.Unmap().WithZone("") }
