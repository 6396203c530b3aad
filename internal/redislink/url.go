// Package redislink is what everybody who talks to Redis shares: how its URL is read, and connections that
// can all be ended at once. It promises that no error shows a URL, for a password may be in any part of one. It
// must not know what is said to Redis.
package redislink

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"

	"github.com/redis/rueidis"
)

// defaultPort is that of Redis, and sentinelPort that of its sentinels.
const (
	defaultPort  = "6379"
	sentinelPort = "26379"
)

// errURL begins every complaint about a URL. None of them shows the URL, for a password may be in any
// part of one that is written wrongly.
var errURL = errors.New("the URL of Redis")

// Parse reads a URL of Redis:
//
//	redis://[user:password@]host[:port][/db]
//	redis+sentinel://[user:password@]host[:port][,host[:port]...]/master[/db][?sentinel_user=user&sentinel_password=password]
//	redis+cluster://[user:password@]host[:port][,host[:port]...]
//
// Sentinels get the user and the password of Redis, unless they have their own; an empty sentinel_password is none. With rediss in place of redis, through TLS. What is special in a password is percent-encoded. net/url would
// do for one host, but not for a list of them.
func Parse(text string) (rueidis.ClientOption, error) {
	var o rueidis.ClientOption
	scheme, rest, ok := strings.Cut(text, "://")
	if !ok {
		return o, fmt.Errorf("%w must begin with redis://, rediss://, redis+sentinel:// or redis+cluster://", errURL)
	}
	base, kind, _ := strings.Cut(scheme, "+")
	switch base {
	case "redis":
	case "rediss":
		o.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	default:
		return o, fmt.Errorf("%w must begin with redis:// or rediss://", errURL)
	}
	rest, query, asks := strings.Cut(rest, "?")
	if asks && kind != "sentinel" || strings.Contains(rest, "#") || strings.ContainsAny(query, "?#") {
		return o, fmt.Errorf("%w takes nothing behind '?' or '#'; in a password they are written %%3F and %%23", errURL)
	}
	hosts, path, _ := strings.Cut(rest, "/")
	if at := strings.LastIndexByte(hosts, '@'); at >= 0 {
		var err error
		if o.Username, o.Password, err = parseUser(hosts[:at]); err != nil {
			return o, err
		}
		hosts = hosts[at+1:]
	}
	var err error
	switch kind {
	case "":
		err = parseSingle(&o, hosts, path)
	case "sentinel":
		if err = parseSentinel(&o, hosts, path); err == nil {
			err = parseSentinelUser(&o, query)
		}
	case "cluster":
		err = parseCluster(&o, hosts, path)
	default:
		err = fmt.Errorf("%w may have +sentinel or +cluster behind its scheme, and nothing else", errURL)
	}
	return o, err
}

func parseUser(text string) (user, password string, err error) {
	user, password, both := strings.Cut(text, ":")
	if user, err = url.PathUnescape(user); err == nil {
		password, err = url.PathUnescape(password)
	}
	if err != nil {
		return "", "", fmt.Errorf("%w: the user or the password is not percent-encoded rightly", errURL)
	}
	if !both || password == "" {
		return "", "", fmt.Errorf("%w: a user needs a password; write user:password@ or :password@", errURL)
	}
	return user, password, nil
}

func parseSingle(o *rueidis.ClientOption, hosts, path string) error {
	if err := parseHosts(o, hosts, defaultPort); err != nil {
		return err
	}
	if len(o.InitAddress) != 1 {
		return fmt.Errorf("%w names many hosts; write redis+sentinel:// or redis+cluster:// for what they are", errURL)
	}
	o.ForceSingleClient = true
	if o.TLSConfig != nil {
		o.TLSConfig.ServerName, _, _ = net.SplitHostPort(o.InitAddress[0])
	}
	return parseDatabase(o, path)
}

func parseSentinel(o *rueidis.ClientOption, hosts, path string) error {
	master, database, _ := strings.Cut(path, "/")
	if master == "" {
		return fmt.Errorf("%w: the name of the master that the sentinels watch is missing; write it behind the hosts: /mymaster", errURL)
	}
	name, err := url.PathUnescape(master)
	if err != nil {
		return fmt.Errorf("%w: the master's name is not percent-encoded rightly", errURL)
	}
	o.Sentinel.MasterSet, o.Sentinel.TLSConfig = name, o.TLSConfig
	if err := parseHosts(o, hosts, sentinelPort); err != nil {
		return err
	}
	return parseDatabase(o, database)
}

// parseSentinelUser reads as whom the Sentinels are asked.
func parseSentinelUser(o *rueidis.ClientOption, query string) error {
	o.Sentinel.Username, o.Sentinel.Password = o.Username, o.Password
	if query == "" {
		return nil
	}
	o.Sentinel.Username, o.Sentinel.Password = "", ""
	for pair := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(pair, "=")
		value, err := url.PathUnescape(value)
		if err != nil {
			return fmt.Errorf("%w: what is behind '?' is not percent-encoded rightly", errURL)
		}
		switch name {
		case "sentinel_user":
			o.Sentinel.Username = value
		case "sentinel_password":
			o.Sentinel.Password = value
		default:
			return fmt.Errorf("%w takes sentinel_user and sentinel_password behind '?', and nothing else; in a password '?' is written %%3F", errURL)
		}
	}
	if o.Sentinel.Username != "" && o.Sentinel.Password == "" {
		return fmt.Errorf("%w: sentinel_user needs a sentinel_password", errURL)
	}
	return nil
}

func parseCluster(o *rueidis.ClientOption, hosts, path string) error {
	if path != "" {
		return fmt.Errorf("%w: a cluster has one database only; leave out what is behind the hosts", errURL)
	}
	return parseHosts(o, hosts, defaultPort)
}

func parseHosts(o *rueidis.ClientOption, hosts, port string) error {
	for h := range strings.SplitSeq(hosts, ",") {
		if !strings.Contains(h, ":") || strings.HasSuffix(h, "]") {
			h += ":" + port
		}
		host, number, err := net.SplitHostPort(h)
		if n, bad := strconv.ParseUint(number, 10, 16); err != nil || host == "" || bad != nil || n == 0 {
			return fmt.Errorf("%w: a host is written host or host:port, and many are separated by commas", errURL)
		}
		o.InitAddress = append(o.InitAddress, net.JoinHostPort(host, number))
	}
	return nil
}

func parseDatabase(o *rueidis.ClientOption, path string) error {
	if path == "" {
		return nil
	}
	n, err := strconv.ParseUint(path, 10, 16)
	if err != nil {
		return fmt.Errorf("%w: the database behind the last '/' must be a number", errURL)
	}
	o.SelectDB = int(n)
	return nil
}
