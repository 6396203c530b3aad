package limit

import (
	"encoding/binary"
	"net/netip"
)

// Place is where a request came from, as it is counted: an IPv4 address by itself; an IPv6 address by its
// /64, which is what one household or one telephone has, and by its /48 too, which is what one site has.
// The zero Place is nowhere and is not counted.
type Place struct{ near, far uint64 }

// PlaceOf is the Place of an address.
func PlaceOf(a netip.Addr) Place {
	switch a = a.Unmap(); {
	case !a.IsValid():
		return Place{}
	case a.Is4():
		b := a.As4()
		return Place{near: named(4, uint64(binary.BigEndian.Uint32(b[:])))}
	default:
		b := a.As16()
		prefix := binary.BigEndian.Uint64(b[:8])
		return Place{near: named(64, prefix), far: named(48, prefix>>16)}
	}
}

// Known reports whether p is anywhere.
func (p Place) Known() bool { return p.near != 0 }

// named tells numbers of different kinds apart.
func named(kind, n uint64) uint64 { return max(1, mix(n^mix(kind))) }
