//go:build !linux

package site

import (
	"errors"
	"testing"
)

// Disk is what only Linux has.
type Disk struct{ Path string }

// ErrNoDisk means that a small disk can't be had here.
var ErrNoDisk = errors.New("a small disk takes Linux")

// MountDisk returns ErrNoDisk.
func MountDisk(testing.TB, string) (*Disk, error) { return nil, ErrNoDisk }

// NewDisk skips the test.
func NewDisk(t testing.TB, _ string) *Disk {
	t.Helper()
	t.Skip(ErrNoDisk)
	return nil
}

// Fill fails.
func (*Disk) Fill() error { return ErrNoDisk }

// Free fails.
func (*Disk) Free() error { return ErrNoDisk }
