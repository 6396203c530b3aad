package faults_test

import (
	"encoding/json"
	"strconv"
	"testing"
)

// TestStampedeOverReplicas spreads a stampede over three replicas, with a Redis between them and without. A
// customer asks again on another replica than before; the program checks every answer and every wallet.
func TestStampedeOverReplicas(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		noRedis bool
	}{{"with Redis", false}, {"without Redis", true}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, options{noRedis: c.noRedis})
			for _, crowd := range []struct {
				code            string
				customers, uses int64
			}{{"rush", 10_000, 1_000}, {"flood", 20_000, 20}, {"plenty", 3_000, 50_000}} {
				s.code(crowd.code, crowd.uses)
				s.stampede(crowd.code, crowd.customers, min(crowd.uses, crowd.customers))
				s.verify()
			}
			for _, r := range s.replicas {
				r.stop()
			}
			s.verify()
		})
	}
}

// stampede rehearses a code over all replicas.
func (s *site) stampede(code string, customers, winners int64) {
	s.t.Helper()
	args := []string{
		"stampede", "--json", "--code", code, "--customers", strconv.FormatInt(customers, 10), "--concurrency", "48", "--repeat", "2",
	}
	for i, r := range s.replicas {
		flag := "--replica"
		if i == 0 {
			flag = "--url"
		}
		args = append(args, flag, "http://"+r.server.Listen)
	}
	got := scrip(s.t, args...)
	var told struct {
		Winners       int64
		Exact         bool
		Errors        int64
		RatePerSecond float64 `json:"rate_per_second"`
		Wrong         []string
	}
	if err := json.Unmarshal([]byte(got.Stdout), &told); err != nil {
		s.t.Fatalf("exit %d: %v\n%s%s", got.Code, err, got.Stdout, got.Stderr)
	}
	if got.Code != 0 || !told.Exact || told.Winners != winners || told.Errors > 0 {
		s.t.Errorf("%s: exit %d, %+v", code, got.Code, told)
	}
	s.t.Logf("%s: %d winners, %.0f requests a second", code, told.Winners, told.RatePerSecond)
}
