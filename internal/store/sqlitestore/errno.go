package sqlitestore

import "syscall"

// The operating system's words for what an operator can mend.
const (
	errReadOnlyFS = syscall.EROFS
	errNoSpace    = syscall.ENOSPC
	errNotDir     = syscall.ENOTDIR
)
