//go:build !linux

package logvfs

func recordSyncs() {} // each is the system's own
