package sqlitestore

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"zombiezen.com/go/sqlite"

	"scrip/internal/store/sqlitestore/logvfs"
)

// checkpointer moves the log into the database beside the writer, so that no commit waits for it.
//
// SQLite's own way (a checkpoint within the commit that crosses a size) stalls that commit, and everybody
// behind it, for as long as it takes to write and sync a thousand pages scattered over the file. Here a
// second connection does that while commits go on (a passive checkpoint blocks nobody). It can't finish
// under a steady load, because commits keep adding to the log; so once the log is long, the writer is
// held for the short rest, and its next commit starts the log from the beginning.
type checkpointer struct {
	conn  *sqlite.Conn
	log   *logFile
	used  int64 // bytes of the log, at the last checkpoint
	tight bool  // there was no room for the log to grow ahead
	dirty atomic.Bool
	quit  context.CancelFunc
	ended sync.WaitGroup
}

const (
	checkpointEvery = 50 * time.Millisecond
	// A log this long is started from the beginning, at the price of one short hold of the writer; its
	// file keeps this size, about, and overwriting it costs less than growing it.
	logPagesMax = 16 << 10 // 64 MiB at 4 KiB a page
	// The hold is not begun while more than this is left to move: another round beside the writer first.
	logPagesHeld = 1 << 10
	roundsMax    = 8
)

func (c *checkpointer) start(s *Store) error {
	uri, err := logvfs.URI(s.path)
	if err != nil {
		return err
	}
	conn, err := connect(uri, sqlite.OpenReadWrite|sqlite.OpenURI, []string{"PRAGMA synchronous = FULL", "PRAGMA wal_autocheckpoint = 0", "PRAGMA cache_size = -512"})
	if err != nil {
		return err
	}
	c.conn = conn
	if c.log, err = openLogFile(s.path); err != nil {
		return errors.Join(err, conn.Close())
	}
	ctx, cancel := context.WithCancel(context.Background()) //nolint:forbidigo // ends with the store
	c.quit = cancel
	c.makeRoom(ctx, s)
	c.ended.Go(func() { c.run(ctx, s) })
	return nil
}

// written notes that the log may have grown.
func (c *checkpointer) written() { c.dirty.Store(true) }

// stop ends the checkpointer. It may be called again.
func (c *checkpointer) stop() {
	if c.quit == nil {
		return
	}
	c.quit()
	c.ended.Wait()
}

func (c *checkpointer) run(ctx context.Context, s *Store) {
	tick := time.NewTicker(checkpointEvery)
	defer tick.Stop()
	failed := false
	for {
		select {
		case <-ctx.Done():
			if err := errors.Join(c.conn.Close(), c.log.close()); err != nil {
				s.log.WarnContext(ctx, "the checkpoint's connection did not close", "err", err)
			}
			return
		case <-tick.C:
		}
		s.newcomers.sort()
		if !c.dirty.Swap(false) {
			continue
		}
		err := c.checkpoint(s)
		if err != nil {
			c.dirty.Store(true)
		}
		if err != nil && !failed { // once, not twenty times a second
			s.log.ErrorContext(ctx, "a checkpoint failed; the log grows until one succeeds", "err", err)
		}
		failed = err != nil
		c.makeRoom(ctx, s)
	}
}

func (c *checkpointer) checkpoint(s *Store) error {
	log, moved, err := c.passive()
	for round := 0; err == nil && log > logPagesMax; round++ {
		if log-moved <= logPagesHeld || round == roundsMax {
			return s.hold(func() error {
				_, _, err := c.passive()
				return err
			})
		}
		log, moved, err = c.passive()
	}
	c.used = log * frameBytes
	return err
}

// makeRoom grows the log ahead. Without room it goes on as it is: whoever commits finds out whether there is enough.
func (c *checkpointer) makeRoom(ctx context.Context, s *Store) {
	err := c.log.grow(c.used, s.hold)
	if err != nil && !c.tight {
		s.log.WarnContext(ctx, "the log can't grow ahead; commits go on, and take longer", "err", err)
	}
	c.tight = err != nil
}

// passive moves what it can without waiting for anybody, and returns the pages in the log and how many of
// them are in the database.
func (c *checkpointer) passive() (log, moved int64, err error) {
	s, err := c.conn.Prepare("PRAGMA wal_checkpoint(PASSIVE)")
	if err != nil {
		return 0, 0, err
	}
	q := stmt{s: s}
	found, err := q.row()
	if err != nil {
		return 0, 0, err
	}
	if !found {
		return 0, 0, errors.New("wal_checkpoint said nothing")
	}
	q.nextInt() // whether somebody else held the checkpoint's lock: then less is moved, and the next round goes on
	log, moved = q.nextInt(), q.nextInt()
	return log, moved, q.done()
}
