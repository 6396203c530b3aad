// Package faults_test breaks what several replicas stand on, while a crowd asks them, and compares
// afterwards what the crowd was told with what is in the database.
//
// Each fault comes at least 20 times, at moments left to chance (SCRIP_FAULTS_SEED repeats a run's), under
// load, one code for each time. After each time: every replica redeems again within five seconds of the
// fault's end; every customer has a final answer; winners are min(customers, limit), with the ranks from 1
// on, each once; what the database lists is what was acknowledged, no more and no less; a winner who asks
// again is told so with the first receipt, by every replica; and `scrip verify` finds nothing wrong.
// At the end every wallet holds its customer's wins. During a fault an answer is a true verdict or a 503
// with Retry-After, and comes within the request timeout.
//
//	kill -9 of a replica                                   replica_test.go     TestReplicaKilled
//	a replica that joins under load, and leaves            replica_test.go     TestReplicaJoinsAndLeaves
//	a replica that is paused, with locks held, for 60 s    pause_test.go       TestReplicaPaused
//	PostgreSQL shut down at once, and restarted            postgres_test.go    TestPostgresKilled
//	PostgreSQL restarted with too few connections          postgres_test.go    TestPostgresWithTooFewConnections
//	PostgreSQL's disk full, and its log                    disk_linux_test.go  TestPostgresDiskFull
//	a connection to PostgreSQL cut at COMMIT               commit_test.go      TestCutAtCommit
//	Redis killed, and restarted empty                      redis_test.go       TestRedisKilled
//	FLUSHALL                                               redis_test.go       TestRedisFlushed
//	latency, stalls, resets: replica and PostgreSQL        network_test.go     TestNetworkToPostgres
//	latency, stalls, resets: replica and Redis             network_test.go     TestNetworkToRedis
//	latency, stalls, resets: client and replica            network_test.go     TestNetworkToReplicas
//	no Redis at all; a stampede over three replicas        stampede_test.go    TestStampedeOverReplicas
//	a change on one replica is obeyed by all               change_test.go      TestChangesAreObeyedByAll
package faults_test

import (
	"flag"
	"fmt"
	"os"
	"testing"

	"scrip/internal/testenv"

	rig "scrip/e2e/site"
)

// program is the path of the program under test.
var program string

func TestMain(m *testing.M) {
	flag.Parse()
	if testing.Short() {
		fmt.Println("e2e/faults: skipped by -short")
		return
	}
	var err error
	if program, err = rig.Build(); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	testenv.Main(m)
}
