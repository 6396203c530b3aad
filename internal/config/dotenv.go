package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
)

// dotEnvMax bounds the bytes of a .env file, far above any real one.
const dotEnvMax = 1 << 20

// The variables of ours that are not the server's: where commands find a server, and what they call it with.
const (
	envURL     = "SCRIP_URL"
	envKey     = "SCRIP_KEY"
	envKeyFile = "SCRIP_KEY_FILE"
)

// LoadDotEnv reads a .env file. Its lines are KEY=VALUE, perhaps after "export ", empty, or comments
// that begin with "#". A value stands as it is up to the end of the line or a "#" after white space;
// or in single quotes, taken literally; or in double quotes, where \n, \" and \\ mean what they mean
// in Go. Nothing is expanded. A missing file is an empty one; any other line, a key that is there
// twice, a line over 4,096 bytes or a text that is not UTF-8 is an error with the file and the line,
// but never with what the line says, as that may be a password.
func LoadDotEnv(path string) (map[string]string, error) {
	text, err := readDotEnv(path)
	if err != nil {
		return nil, err
	}
	return parseDotEnv(path, text)
}

// parseDotEnv reads the text of the file at path; it does not look at the file.
func parseDotEnv(path, text string) (map[string]string, error) {
	env, seen, number := map[string]string{}, map[string]int{}, 0
	for line := range strings.Lines(strings.TrimPrefix(text, "\ufeff")) { // some editors put a byte order mark in front
		number++
		key, value, err := parseLine(strings.TrimRight(line, "\r\n"))
		if err == nil && key != "" && seen[key] > 0 {
			err = fmt.Errorf("%s is already set on line %d", key, seen[key])
		}
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", path, number, err)
		}
		if key != "" {
			env[key], seen[key] = value, number
		}
	}
	return env, nil
}

// UnknownKeys returns the keys of env that begin with SCRIP_ but mean nothing to us, in order: most
// likely each is a slip that leaves a default in force.
func UnknownKeys(env map[string]string) []string {
	known := []string{envURL, envKey, envKeyFile}
	for _, f := range fields() {
		known = append(known, f.env)
	}
	var unknown []string
	for _, key := range slices.Sorted(maps.Keys(env)) {
		if strings.HasPrefix(key, "SCRIP_") && !slices.Contains(known, key) {
			unknown = append(unknown, key)
		}
	}
	return unknown
}

// readDotEnv returns the text of the file at path, and nothing if there is no file.
func readDotEnv(path string) (string, error) {
	f, err := os.Open(path) //nolint:gosec // the operator's own file
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	defer f.Close() //nolint:errcheck // only read
	data, err := io.ReadAll(io.LimitReader(f, dotEnvMax+1))
	if err != nil {
		return "", err
	}
	if len(data) > dotEnvMax {
		return "", fmt.Errorf("%s: the file is larger than %d bytes; that is no .env file", path, dotEnvMax)
	}
	return string(data), nil
}
