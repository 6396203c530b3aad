package cli

import (
	"errors"
	"fmt"
	"strings"
	"unicode"

	"scrip/client"
)

const defaultURL = "http://127.0.0.1:8000"

// remote is what every command that talks to a server takes.
type remote struct {
	URL     string `name:"url" env:"SCRIP_URL" default:"${url}" placeholder:"URL" help:"Where the server is (${default})."`
	Key     string `name:"key" env:"SCRIP_KEY" placeholder:"SECRET" help:"Key to call it with, as in sk_…, where it asks for one. Others on this machine may see it in the list of processes; the environment and --key-file are safer."`
	KeyFile string `name:"key-file" env:"SCRIP_KEY_FILE" placeholder:"PATH" help:"File that holds --key."`
}

// dial returns the SDK's client. Each change gets a key, so that a lost answer is asked for again and
// nothing happens twice.
func (r *remote) dial() (*client.Client, error) {
	key, err := r.secret()
	if err != nil {
		return nil, usageError{err}
	}
	if err := checkURL(r.URL); err != nil {
		return nil, usage("--url (SCRIP_URL) is %.200q: %w", r.URL, err)
	}
	return client.New(r.URL, client.WithAutomaticKeys(), client.WithUserAgent("scrip-cli"), client.WithKey(key))
}

// urlFlag is what a command that we show needs to find the same server.
func urlFlag(url string) string {
	if url == defaultURL {
		return ""
	}
	return " --url " + url
}

// secret is the key to call with, empty for none. No error shows any of it.
func (r *remote) secret() (string, error) {
	if r.KeyFile == "" {
		return r.Key, checkSecret(r.Key, "--key (SCRIP_KEY)")
	}
	if r.Key != "" {
		return "", errors.New("--key (SCRIP_KEY) and --key-file (SCRIP_KEY_FILE) are both given; leave one of them out")
	}
	text, err := readSecret(r.KeyFile)
	if err != nil {
		return "", fmt.Errorf("--key-file (SCRIP_KEY_FILE): %w", err)
	}
	text = strings.TrimRight(text, "\r\n")
	if text == "" {
		return "", fmt.Errorf("--key-file (SCRIP_KEY_FILE) is %.200q: the file is empty; it must hold the key", r.KeyFile)
	}
	return text, checkSecret(text, "--key-file (SCRIP_KEY_FILE)")
}

// checkSecret refuses what could not stand in a header. Whether a key is good is the server's to say.
func checkSecret(text, from string) error {
	if strings.ContainsFunc(text, func(c rune) bool { return c > unicode.MaxASCII || !unicode.IsGraphic(c) || c == ' ' }) {
		return errors.New(from + " is no key: a key is one word that begins with sk_ or pk_")
	}
	return nil
}
