package pgstore

import (
	"context"
)

// A process that is paused in the middle of a transaction keeps its locks. Between two round trips the
// server throws it out by itself (idleInTransaction). Within one, while a part of its pipeline is still
// unsent, the server has no bound for it before version 17: whoever waits for its locks in vain does it.

// endStalledQuery ends the sessions of ours that are in a transaction, in the middle of a pipeline, and have
// sent nothing for $1 seconds. Their transactions are rolled back, and who wakes up is told so.
const endStalledQuery = `SELECT count(*) FILTER (WHERE pg_terminate_backend(a.pid)) FROM pg_stat_activity a
	WHERE a.datname = current_database() AND a.usename = current_user AND a.pid <> pg_backend_pid()
		AND a.application_name = current_setting('application_name')
		AND a.state = 'active' AND a.wait_event = 'ClientRead' AND a.xact_start IS NOT NULL
		AND a.state_change < clock_timestamp() - make_interval(secs => $1)`

// endStalled is called by a batch that waited for a lock in vain. That it can't be done is no error of the
// batch's: it is judged again in any case.
func (s *Store) endStalled(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, s.tripMax())
	defer cancel()
	var ended int
	if err := s.writers.QueryRow(ctx, endStalledQuery, idleInTransaction.Seconds()).Scan(&ended); err != nil {
		s.cfg.Log.WarnContext(ctx, "could not look for processes that stopped while they held locks", "error", err)
		return
	}
	if ended > 0 {
		s.cfg.Log.WarnContext(ctx, "ended the sessions of processes that stopped while they held locks", "sessions", ended)
	}
}
