package config

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"unicode"
)

// Resolve reads the URLs that stand in files of their own, each file by read, and puts them in their
// places. A trailing newline is no part of a URL. It is an error to give a URL both ways, a file that
// can't be read, and one that holds anything but one line; the error tells the path, and nothing of what
// the file holds. Resolve comes before Validate, and only once.
func (c *Config) Resolve(read func(path string) (string, error)) error {
	return errors.Join(
		c.resolve("database-url", &c.DatabaseURL, c.DatabaseURLFile, read),
		c.resolve("redis-url", &c.RedisURL, c.RedisURLFile, read),
	)
}

func (c *Config) resolve(name string, into *string, path string, read func(string) (string, error)) error {
	if path == "" || !isPath(path) { // Validate says what is wrong with it
		return nil
	}
	if *into != "" {
		env := strings.ToUpper("SCRIP_" + strings.ReplaceAll(name, "-", "_"))
		return fmt.Errorf("--%s (%s) and --%s-file (%s_FILE) are both given; leave one of them out", name, env, name, env)
	}
	text, err := read(path)
	if err != nil {
		return c.wrong(name+"-file", path, cause(err))
	}
	text = strings.TrimRight(text, "\r\n")
	switch {
	case text == "":
		return c.wrong(name+"-file", path, errors.New("the file is empty; it must hold the URL"))
	case strings.ContainsFunc(text, unicode.IsControl):
		return c.wrong(name+"-file", path, errors.New("the file must hold the URL alone, on one line"))
	}
	*into = text
	return nil
}

// cause is what went wrong with a file, without the path, which is told already.
func cause(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return errors.New("there is no such file")
	}
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		return p.Err
	}
	return err
}
