package testenv_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"scrip/internal/testenv"
)

// orphanVariable makes this test binary a child that starts servers and waits to be killed.
const orphanVariable = "SCRIP_TESTENV_ORPHAN"

// orphan starts servers in the folder dir, some of them paused, says the ids of all their processes in one
// line, and waits for a death that it cannot notice.
func orphan(dir string) {
	ctx := context.Background()
	die := func(err error) {
		if err != nil {
			fmt.Println("error:", err)
			os.Exit(1)
		}
	}
	var line []string
	add := func(pid int) {
		found, err := childPids(pid)
		die(err)
		for _, pid := range append(found, pid) {
			line = append(line, strconv.Itoa(pid))
		}
	}
	for _, paused := range []bool{false, true} {
		p, err := testenv.StartPostgres(ctx, testenv.PostgresOptions{Dir: dir})
		die(err)
		r, err := testenv.StartRedis(ctx, testenv.RedisOptions{Dir: dir})
		die(err)
		add(p.Pid())
		add(r.Pid())
		if paused {
			die(errors.Join(p.Pause(), r.Pause()))
		}
	}
	fmt.Println(strings.Join(line, " "))
	select {}
}

// A process that is killed leaves no server, paused or not, and no file.
func TestKilledProcessLeavesNothing(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("other systems do not tell a child of its parent's death")
	}
	testenv.Database(t) // skips where PostgreSQL is missing
	testenv.SharedRedis(t)
	dir := t.TempDir()
	child := exec.CommandContext(t.Context(), os.Args[0]) //nolint:gosec // this very program
	child.Env = append(os.Environ(), orphanVariable+"="+dir)
	out, err := child.StdoutPipe()
	must(t, err)
	must(t, child.Start())
	line, err := bufio.NewReader(out).ReadString('\n')
	must(t, err)
	if strings.HasPrefix(line, "error:") {
		t.Fatal(line)
	}
	must(t, child.Process.Kill())
	_ = child.Wait() // killed, as it says
	pids := strings.Fields(line)
	if len(pids) < 8 {
		t.Fatalf("two PostgreSQL and two Redis have more processes than %v", pids)
	}
	for _, text := range pids {
		pid, err := strconv.Atoi(text)
		must(t, err)
		eventually(t, fmt.Sprintf("process %d is gone", pid), func() bool {
			s := state(t, pid)
			return s == "" || s == "Z" // a zombie is init's to bury
		})
	}
	eventually(t, "the folder is empty", func() bool {
		left, err := os.ReadDir(dir)
		must(t, err)
		return len(left) == 0
	})
}

// eventually waits for something that happens by itself. The bound ends a hang; it measures nothing.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !is(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it never came about that %s", what)
		}
	}
}

func childrenOf(t *testing.T, pid int) []int {
	t.Helper()
	found, err := childPids(pid)
	must(t, err)
	return found
}

// childPids are the processes that pid has started, read in another place than the package does.
func childPids(pid int) ([]int, error) {
	paths, err := filepath.Glob("/proc/[0-9]*/status")
	if err != nil {
		return nil, err
	}
	var found []int
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err == nil && strings.Contains(string(text), "\nPPid:\t"+strconv.Itoa(pid)+"\n") {
			child, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
			if err != nil {
				return nil, err
			}
			found = append(found, child)
		}
	}
	return found, nil
}

// state is the letter that Linux gives a process's state, or nothing once it is gone.
func state(t *testing.T, pid int) string {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("the state of processes is read as Linux shows it")
	}
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ESRCH) {
		return ""
	}
	must(t, err)
	_, after, _ := strings.Cut(string(text), "\nState:\t")
	return after[:1]
}

// pausedSoon waits until a process that was told to stop has: one that runs goes on for a moment after the signal.
func pausedSoon(t *testing.T, pid int) {
	t.Helper()
	s := state(t, pid)
	for end := time.Now().Add(5 * time.Second); s != "T" && time.Now().Before(end); time.Sleep(time.Millisecond) {
		s = state(t, pid)
	}
	if s != "T" {
		t.Errorf("process %d is in state %s after Pause", pid, s)
	}
}
