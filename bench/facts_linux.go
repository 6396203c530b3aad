package main

import (
	"fmt"
	"syscall"
)

// fileSystem names the file system that a folder is on.
func fileSystem(dir string) string {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return "unknown"
	}
	names := map[int64]string{ // statfs(2)
		0xEF53: "ext4", 0x58465342: "xfs", 0x9123683E: "btrfs", 0x01021994: tmpfs, 0x794C7630: "overlayfs", 0x2FC12FC1: "zfs",
	}
	if name, ok := names[int64(s.Type)]; ok { //nolint:unconvert // its type differs between architectures
		return name
	}
	return fmt.Sprintf("type %#x", s.Type)
}
