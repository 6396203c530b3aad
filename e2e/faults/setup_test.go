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
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"scrip/internal/testenv"
)

// program is the path of the program under test.
var program string

func TestMain(m *testing.M) {
	flag.Parse()
	if testing.Short() {
		fmt.Println("e2e/faults: skipped by -short")
		return
	}
	if err := build(); err != nil {
		fmt.Println("build the program:", err)
		os.Exit(1)
	}
	testenv.Main(m)
}

// build makes the program in a folder that is removed when this process ends, in whatever way.
func build() error {
	dir, err := os.MkdirTemp("", "scrip-faults-")
	if err != nil {
		return err
	}
	if err := atExit(`rm -rf -- "$1"`, dir); err != nil {
		return err
	}
	program = filepath.Join(dir, "scrip")
	cmd := exec.Command("go", "build", "-o", program, "scrip/cmd/scrip") //nolint:noctx,gosec // our own source; go test has its own time limit
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	return cmd.Run()
}

// atExit runs a line of shell, with one argument, when this process ends: a shell waits for the end of its
// input, which comes with the end of the process that holds the other end of the pipe.
func atExit(line, argument string) error {
	cmd := exec.Command("sh", "-c", "read -r _; "+line, "sh", argument) //nolint:noctx,gosec // our own script; it ends with its input
	ownGroup(cmd)                                                       // what ends our group must not end the shell
	hold, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	held.Store(cmd, hold)
	return cmd.Start()
}

// held keeps the pipes of atExit from being collected, which closes them.
var held sync.Map
