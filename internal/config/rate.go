package config

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// Rate is how much is allowed: Burst at once, and one more each Every. The zero Rate limits nothing.
type Rate struct {
	Every time.Duration
	Burst int64
}

// RateOff is a limit that is none.
const RateOff = "off"

const (
	rateCountMax = 1_000_000
	rateBurstMax = 10_000_000
	rateFillMax  = 31 * 24 * time.Hour // from empty to full; limit counts no further
)

var errRate = errors.New("write a rate as in 10/s, 60/m or 20/h, with a burst behind it as in 10/s:50, or off")

// ParseRate reads a rate: a count, by the second, minute or hour, and behind a colon how many may come at once,
// which without it are as many as the count.
func ParseRate(text string) (Rate, error) {
	if text == RateOff {
		return Rate{}, nil
	}
	text, burst, given := strings.Cut(text, ":")
	count, unit, _ := strings.Cut(text, "/")
	n, err := strconv.ParseInt(count, 10, 64)
	per := map[string]time.Duration{"s": time.Second, "m": time.Minute, "h": time.Hour}[unit]
	if err != nil || per == 0 {
		return Rate{}, errRate
	}
	b := n
	if given {
		if b, err = strconv.ParseInt(burst, 10, 64); err != nil {
			return Rate{}, errRate
		}
	}
	if n < 1 || n > rateCountMax || b < 1 || b > rateBurstMax {
		return Rate{}, fmt.Errorf("the count must be from 1 to %d and the burst from 1 to %d", rateCountMax, rateBurstMax)
	}
	r := Rate{Every: per / time.Duration(n), Burst: b}
	if r.Burst > int64(rateFillMax/r.Every) {
		return Rate{}, fmt.Errorf("at that rate the burst takes more than %s to come back; use a smaller one", rateFillMax)
	}
	return r, nil
}

func checkRate(text string) error {
	_, err := ParseRate(text)
	return err
}

// Proxies are the networks of TrustedProxies.
func (c *Config) Proxies() ([]netip.Prefix, error) {
	var networks []netip.Prefix
	for _, text := range list(c.TrustedProxies) {
		if a, err := netip.ParseAddr(text); err == nil && a.Zone() == "" {
			networks = append(networks, netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen()))
			continue
		}
		network, err := netip.ParsePrefix(text)
		if err != nil || network.Addr().Is4In6() || network != network.Masked() {
			return nil, errors.New("give networks or addresses with commas between, as in 10.0.0.0/8,2001:db8::/32,192.0.2.7")
		}
		if network.Bits() == 0 {
			return nil, errors.New("a network of everybody would let each caller choose the address that it is counted by")
		}
		networks = append(networks, network)
	}
	return networks, nil
}

func (c *Config) checkProxies() error {
	_, err := c.Proxies()
	return err
}
