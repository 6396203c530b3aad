package pgstore

import (
	"context"
)

// A process that is paused in the middle of a transaction keeps its locks. Between two round trips the
// server throws it out by itself (idleInTransaction). Within one, while a part of its pipeline is still
// unsent, the server has no bound for it before version 17: whoever waits for its locks in vain does it.

// Such a process may be another server's of the same deployment, whose connections have another name if its URL says so. All
// writers are known by an advisory lock that they share for as long as they are connected: writerLock, the bytes
// "WRIT", beside the number of the schema's table of campaigns, because a database may have several schemas with a
// deployment each. Nobody else holds it: neither a copy's connection, which may wait for its records for long, nor a person's.
const writerLock = 0x57524954

// markWriterQuery is asked by each new connection of the writers. The lock is shared by all, so it is always free.
const markWriterQuery = "SELECT pg_try_advisory_lock_shared($1, 'campaign'::regclass::oid::int4)"

// endStalledQuery ends the sessions of writers ($1) that are in a transaction, in the middle of a pipeline, and have
// sent nothing for $2 seconds. Their transactions are rolled back, and who wakes up is told so. Those that wait for a
// standby in their commit do not wait for their client, and stay (cancel.go).
const endStalledQuery = `SELECT count(*) FILTER (WHERE pg_terminate_backend(a.pid)) FROM pg_stat_activity a
	WHERE a.datname = current_database() AND a.usename = current_user AND a.pid <> pg_backend_pid()
		AND EXISTS (SELECT FROM pg_locks l WHERE l.pid = a.pid AND l.locktype = 'advisory' AND l.granted AND l.objsubid = 2
			AND l.classid::int8 = $1 AND l.objid = 'campaign'::regclass::oid)
		AND a.state = 'active' AND a.wait_event = 'ClientRead' AND a.xact_start IS NOT NULL
		AND a.state_change < clock_timestamp() - make_interval(secs => $2)`

// endStalled is called by a batch that waited for a lock in vain, and reports whether it ended any. That it can't be done is no
// error of the batch's.
func (s *Store) endStalled(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, s.tripMax())
	defer cancel()
	var ended int
	if err := s.writers.QueryRow(ctx, endStalledQuery, int64(writerLock), idleInTransaction.Seconds()).Scan(&ended); err != nil {
		s.cfg.Log.WarnContext(ctx, "could not look for processes that stopped while they held locks", "error", err)
		return false
	}
	if ended > 0 {
		s.cfg.Log.WarnContext(ctx, "ended the sessions of processes that stopped while they held locks", "sessions", ended)
	}
	return ended > 0
}
