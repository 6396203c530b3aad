//go:build !linux

package site

import "os/exec"

// ownGroup does nothing where the tests' processes share a group.
func ownGroup(*exec.Cmd) {}

// dieWithUs does nothing where the kernel does not tell of a parent's death.
func dieWithUs(*exec.Cmd) {}
