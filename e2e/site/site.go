// Package site is what end-to-end tests build their sites of: the real program as servers that are killed, paused
// and started again, and what can go wrong between and under them (links, cuts at COMMIT, a full disk).
//
// It promises that what it starts ends with the process of the test, in whatever way that ends, and that a
// server comes back to the address that it had. It knows the program by its commands, its signals and its
// files only, and nothing but tests may know it.
package site

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
)

// Build makes the program of this module in a folder that is removed when this process ends, and returns
// its path.
func Build() (program string, err error) {
	dir, err := Folder("scrip-e2e-")
	if err != nil {
		return "", err
	}
	program = filepath.Join(dir, "scrip")
	cmd := exec.Command("go", "build", "-o", program, "scrip/cmd/scrip") //nolint:noctx,gosec // our own source; go test has its own time limit
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("build the program: %w", err)
	}
	return program, nil
}

// Folder makes a temporary folder that is removed when this process ends, in whatever way.
func Folder(prefix string) (string, error) {
	dir, err := os.MkdirTemp("", prefix)
	if err != nil {
		return "", err
	}
	return dir, AtExit(`rm -rf -- "$1"`, dir)
}

// AtExit runs a line of shell, with one argument, when this process ends: a shell waits for the end of its
// input, which comes with the end of the process that holds the other end of the pipe.
func AtExit(line, argument string) error {
	cmd := exec.Command("sh", "-c", "read -r _; "+line, "sh", argument) //nolint:noctx,gosec // our own script; it ends with its input
	ownGroup(cmd)                                                       // what ends our group must not end the shell
	hold, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	held.Store(cmd, hold)
	return cmd.Start()
}

// held keeps the pipes of AtExit from being collected, which closes them.
var held sync.Map
