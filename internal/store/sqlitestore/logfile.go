package sqlitestore

import (
	"fmt"
	"os"
)

// logFile keeps room ahead of the writer in the log, so that a commit overwrites what is there already.
//
// A sync of a file that has grown waits for the file system's own journal, which takes milliseconds; a sync of
// bytes that were overwritten waits for the disk alone, a tenth of that and less. So the log is grown by
// zeros beside the commits, a step at a time, and what SQLite has not written yet is no frame to it: the
// zeros' salt and checksum are wrong, as are those of what an earlier round left there.
//
// Invariant: zeros are only ever written behind the file's end, and while nobody else writes to the file. A log that
// could not be grown is as right as before, and slower.
type logFile struct {
	file *os.File
	size int64 // at least; the writer may have grown it since
}

const (
	logAhead = 8 << 20 // zeros behind what is used: what a crowd writes between two checkpoints
	logStep  = 1 << 20 // grown at a time, which holds the writer for as long as it takes to copy that
	// A log that long is started from the beginning soon (logPagesMax).
	logBytesMax = logPagesMax*frameBytes + 2*logAhead
	frameBytes  = 4096 + 24 // a page and the header of its frame
)

func openLogFile(path string) (*logFile, error) {
	f, err := os.OpenFile(path+"-wal", os.O_RDWR, 0) //nolint:gosec // beside the operator's own file
	if err != nil {
		return nil, fmt.Errorf("the log: %w", err)
	}
	return &logFile{file: f}, nil
}

// grow makes room behind the first used bytes. hold runs do while nobody writes to the log.
func (l *logFile) grow(used int64, hold func(do func() error) error) error {
	for l.size < min(used+logAhead, logBytesMax) {
		if err := hold(l.step); err != nil {
			return fmt.Errorf("make room in the log: %w", err)
		}
		if err := l.file.Sync(); err != nil {
			return fmt.Errorf("make room in the log: %w", err)
		}
	}
	return nil
}

func (l *logFile) step() error {
	info, err := l.file.Stat()
	if err != nil {
		return err
	}
	n, err := l.file.WriteAt(make([]byte, logStep), info.Size())
	l.size = info.Size() + int64(n)
	return err
}

func (l *logFile) close() error { return l.file.Close() }
