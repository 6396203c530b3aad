package pgstore

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"
)

// Version is the server's version as it tells it, such as "15.3".
func (s *Store) Version(ctx context.Context) (string, error) {
	conn, err := s.readers.Acquire(ctx)
	if err != nil {
		return "", fmt.Errorf("ask the database for its version: %w", err)
	}
	defer conn.Release()
	told, _, _ := strings.Cut(conn.Conn().PgConn().ParameterStatus("server_version"), " ") // a package's name may follow
	return told, nil
}

// Connections is how the connections of a store stand.
type Connections struct {
	InUse, Idle, Most int
}

// Connections takes a reading of both pools.
func (s *Store) Connections() Connections {
	var c Connections
	for _, p := range []*pgxpool.Pool{s.writers, s.readers} {
		if p == nil {
			continue
		}
		stat := p.Stat()
		c.InUse += int(stat.AcquiredConns())
		c.Idle += int(stat.IdleConns())
		c.Most += int(stat.MaxConns())
	}
	return c
}
