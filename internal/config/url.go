package config

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// wrongURL names the flag that a URL came from: its own, or that of the file that holds it.
func (c *Config) wrongURL(name, raw, file string, err error) error {
	switch {
	case err == nil:
		return nil
	case file != "":
		return c.wrong(name+"-file", showPath(file), fmt.Errorf("it holds %.200q: %w", redactURL(raw), err))
	default:
		return c.wrong(name, redactURL(raw), err)
	}
}

// checkDatabaseURL takes a URL of PostgreSQL, or nothing.
func checkDatabaseURL(raw string) error {
	if strings.Contains(raw, "=") && !strings.Contains(raw, "://") {
		return errors.New("a list of key=value is not taken; write a URL, as in postgres://user:password@host:5432/database")
	}
	return checkURL(raw, "postgres", "postgresql")
}

// checkRedisURL takes a URL of a Redis, of its Sentinels or of a cluster, or nothing.
func checkRedisURL(raw string) error {
	err := checkURL(raw, "redis", "rediss", "redis+sentinel", "rediss+sentinel", "redis+cluster", "rediss+cluster")
	if err != nil {
		return err
	}
	if u, err := url.Parse(raw); err == nil && strings.HasSuffix(u.Scheme, "+sentinel") && strings.Trim(u.Path, "/") == "" {
		return errors.New("the name of the master that the Sentinels watch is missing; write it after the last host, as in redis+sentinel://a:26379,b:26379/mymaster")
	}
	return nil
}

// checkURL takes a URL of one of the schemes that names a host, or nothing. What it says quotes no part of
// the URL, as any part may be a password.
func checkURL(raw string, schemes ...string) error {
	if raw == "" {
		return nil
	}
	u, err := url.Parse(raw)
	if err != nil {
		return fmt.Errorf("it is no URL; it must begin with %s:// and name a host; a password with other characters than "+
			"letters and digits must be escaped, as in %%40 for an @", strings.Join(schemes, ":// or "))
	}
	if !slices.Contains(schemes, u.Scheme) || !namesHost(u) {
		return fmt.Errorf("it must begin with %s:// and name a host", strings.Join(schemes, ":// or "))
	}
	if redactURL(raw) == hidden {
		return errors.New("it has an @ too many; in a password, write %40 for it")
	}
	return nil
}

// namesHost reports whether a URL says where to connect: in its authority or, as the path of a socket does
// for PostgreSQL, in its parameter "host".
func namesHost(u *url.URL) bool { return u.Host != "" || u.Query().Get("host") != "" }

// checkPath takes a path, or nothing. A URL in its place is a secret in the wrong setting.
func checkPath(path, name string) error {
	if strings.Contains(path, "://") {
		return fmt.Errorf("it must be the path of a file; a URL goes to --%s", name)
	}
	if strings.ContainsRune(path, 0) {
		return errors.New("a path has no NUL characters")
	}
	return nil
}

// isPath reports whether checkPath takes it.
func isPath(path string) bool {
	return !strings.Contains(path, "://") && !strings.ContainsRune(path, 0)
}

// showPath is a path for people to read, or a URL that stands in its place without its secrets.
func showPath(path string) string {
	if strings.Contains(path, "://") {
		return redactURL(path)
	}
	return path
}
