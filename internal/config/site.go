package config

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// nameLengthMax is DNS's own bound.
const nameLengthMax = 253

// checkHosts wants bare names. An address needs no line: it is always taken.
func checkHosts(hosts []string) error {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."
	for _, host := range hosts {
		if host == "" || len(host) > nameLengthMax || strings.Trim(host, letters) != "" {
			return fmt.Errorf("%.60q is no name of a host; give names without a scheme and a port, as in scrip.example.com,codes.example.com", host)
		}
	}
	return nil
}

// checkOrigins wants what browsers send as Origin. There is no wildcard: whoever means every page of the world
// gives their codes a face of their own.
func checkOrigins(origins []string) error {
	for _, origin := range origins {
		u, err := url.Parse(origin)
		if err != nil || u.Scheme == "" || u.Host == "" || origin != u.Scheme+"://"+strings.ToLower(u.Host) || strings.Contains(u.Host, "*") {
			return fmt.Errorf("%.60q is no origin; give a scheme and a host, with a port where it is not the usual one, "+
				"in small letters and without a slash at the end, as in https://shop.example.com", origin)
		}
	}
	return nil
}

// checkPair wants both of two paths, or neither.
func checkPair(path, other, otherName string) error {
	switch {
	case strings.ContainsRune(path, 0):
		return errors.New("a path has no NUL characters")
	case path == "" && other != "":
		return fmt.Errorf("--%s is set, and it needs this one too", otherName)
	default:
		return nil
	}
}
