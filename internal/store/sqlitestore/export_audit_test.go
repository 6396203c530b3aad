package sqlitestore

import (
	"fmt"

	"zombiezen.com/go/sqlite"

	"scrip/internal/store"
)

// AuditPlans are the plans of all that an audit of a file asks, by query.
func AuditPlans(path string) (plans map[string]string, err error) {
	conn, err := connect(path, sqlite.OpenReadOnly, readerPragmas())
	if err != nil {
		return nil, err
	}
	defer conn.Close() //nolint:errcheck // it only read
	a := &auditor{reader: reader{path: path, conn: conn, stmts: make(map[string]*stmt)}}
	a.report = func(string, string, string, ...any) { a.seen = store.Audited{} }
	if err := a.run(); err != nil {
		return nil, err
	}
	plans = make(map[string]string)
	explain := reader{path: path, conn: conn, stmts: make(map[string]*stmt)}
	for query := range a.stmts {
		q := explain.stmt("EXPLAIN QUERY PLAN " + query)
		if err := q.each(func() { q.skip(3); plans[query] += q.nextText() + "\n" }); err != nil {
			return nil, fmt.Errorf("explain %s: %w", query, err)
		}
	}
	return plans, nil
}
