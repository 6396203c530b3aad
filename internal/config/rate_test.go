package config_test

import (
	"fmt"
	"testing"
	"time"

	"scrip/internal/config"
)

func TestParseRate(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]config.Rate{
		"off":              {},
		"10/s":             {Every: 100 * time.Millisecond, Burst: 10},
		"10/s:50":          {Every: 100 * time.Millisecond, Burst: 50},
		"60/m:1":           {Every: time.Second, Burst: 1},
		"20/h:40":          {Every: 3 * time.Minute, Burst: 40},
		"1000000/s":        {Every: time.Microsecond, Burst: 1_000_000},
		"1/h:744":          {Every: time.Hour, Burst: 744},
		"1000000/s:100000": {Every: time.Microsecond, Burst: 100_000},
	} {
		if got, err := config.ParseRate(text); got != want || err != nil {
			t.Errorf("%s is %+v, %v; want %+v", text, got, err, want)
		}
	}
	for _, text := range []string{
		"", "10", "10/", "/s", "s", "10/d", "0/s", "-1/s", "1.5/s", "10/s:", "10/s:0", "10/s:x", "10/s:5:5", "10/s ", "1000001/s",
		"1/h:745", "1/s:10000001", "99999999999999999999/s", "OFF",
	} {
		if got, err := config.ParseRate(text); err == nil {
			t.Errorf("%q is taken as %+v", text, got)
		}
	}
}

func TestProxies(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                          "[]",
		"10.0.0.0/8, 2001:db8::/32": "[10.0.0.0/8 2001:db8::/32]",
		"192.0.2.7,2001:db8::1":     "[192.0.2.7/32 2001:db8::1/128]",
		"::ffff:192.0.2.7":          "[192.0.2.7/32]",
	} {
		c := config.Default()
		c.TrustedProxies = text
		if got, err := c.Proxies(); err != nil || fmt.Sprint(got) != want {
			t.Errorf("%q: %v, %v; want %s", text, got, err, want)
		}
		if err := c.Validate(); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
	for _, text := range []string{"10.0.0.1/8", "0.0.0.0/0", "::/0", "proxy", "10.0.0.0/33", "fe80::1%eth0", ",", "::ffff:10.0.0.0/104"} {
		c := config.Default()
		c.TrustedProxies = text
		if err := c.Validate(); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}
