package cli

import (
	"errors"
	"fmt"
	"io"
	"os"

	"scrip/internal/config"
)

// secretMax bounds a file of a secret, far above any URL.
const secretMax = 64 << 10

// settle completes a configuration by the files of its secrets, and reports all that is wrong with it.
func settle(cfg *config.Config) error {
	if err := errors.Join(cfg.Resolve(readSecret), cfg.Validate()); err != nil {
		return usageError{err}
	}
	return nil
}

// readSecret returns what the file at path holds.
func readSecret(path string) (string, error) {
	f, err := os.Open(path) //nolint:gosec // the operator's own file
	if err != nil {
		return "", err
	}
	defer f.Close() //nolint:errcheck // only read
	text, err := io.ReadAll(io.LimitReader(f, secretMax+1))
	if err != nil {
		return "", err
	}
	if len(text) > secretMax {
		return "", fmt.Errorf("the file is larger than %d bytes; that is no URL", secretMax)
	}
	return string(text), nil
}
