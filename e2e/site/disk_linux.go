package site

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

const ballastBlock = 64 << 10

// Disk is a small file system in memory, of the test's own, that can be full.
type Disk struct {
	Path    string
	ballast *os.File
	at      int64
}

// ErrNoDisk means that a small disk can't be had here: it takes root, and a kernel that lets it mount.
var ErrNoDisk = errors.New("a small disk can't be mounted")

// MountDisk mounts a disk of a size, as in "192m", until the test ends, however that ends.
func MountDisk(t testing.TB, size string) (*Disk, error) {
	t.Helper()
	if os.Geteuid() != 0 {
		return nil, fmt.Errorf("%w: only root may", ErrNoDisk)
	}
	path := t.TempDir()
	if err := syscall.Mount("tmpfs", path, "tmpfs", 0, "size="+size+",mode=0755"); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoDisk, err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(path, syscall.MNT_DETACH); err != nil {
			t.Errorf("unmount %s: %v", path, err)
		}
	})
	if err := AtExit(`mountpoint -q "$1" && umount -l "$1"`, path); err != nil { // also when we are killed
		return nil, err
	}
	ballast, err := os.Create(filepath.Join(path, "ballast")) //nolint:gosec // in a folder of the test's own
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { _ = ballast.Close() })
	return &Disk{Path: path, ballast: ballast}, nil
}

// NewDisk is MountDisk for a test that can't do without: it is skipped where there is none, and fails where
// CI is set.
func NewDisk(t testing.TB, size string) *Disk {
	t.Helper()
	d, err := MountDisk(t, size)
	switch {
	case err == nil:
		return d
	case errors.Is(err, ErrNoDisk) && os.Getenv("CI") == "":
		fmt.Fprintf(os.Stderr, "%s is SKIPPED: %v\n", t.Name(), err)
		t.Skip(err)
	default:
		t.Fatal(err)
	}
	return nil
}

// Fill takes all the room there is.
func (d *Disk) Fill() error {
	for block := ballastBlock; block >= 1024; {
		n, err := d.ballast.WriteAt(make([]byte, block), d.at)
		d.at += int64(n)
		switch {
		case errors.Is(err, syscall.ENOSPC) || errors.Is(err, io.ErrShortWrite):
			block /= 2
		case err != nil:
			return err
		}
	}
	return nil
}

// Free gives it all back.
func (d *Disk) Free() error {
	d.at = 0
	return d.ballast.Truncate(0)
}
