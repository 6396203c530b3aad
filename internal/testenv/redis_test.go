package testenv_test

import (
	"net"
	"os"
	"strconv"
	"strings"
	"testing"

	"scrip/internal/testenv"
)

func do(t *testing.T, r *testenv.Redis, args ...string) string {
	t.Helper()
	answer, err := r.Do(t.Context(), args...)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

func port(t *testing.T, addr string) int {
	t.Helper()
	_, text, err := net.SplitHostPort(addr)
	must(t, err)
	n, err := strconv.Atoi(text)
	must(t, err)
	return n
}

func empty(t *testing.T, dir string) {
	t.Helper()
	left, err := os.ReadDir(dir)
	must(t, err)
	for _, entry := range left {
		t.Errorf("left behind: %s", entry.Name())
	}
}

// A killed Redis comes back empty, on the same address; one that was told to keep its data has it.
func TestRedisComesBack(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		conf []string
		want string
	}{
		{name: "without persistence", want: ""},
		{name: "with persistence", conf: []string{"appendonly yes", "appendfsync always"}, want: "v"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			r := testenv.NewRedis(t, testenv.RedisOptions{Dir: dir, Conf: c.conf})
			addr := r.Addr()
			do(t, r, "SET", "k", "v")
			must(t, r.Kill(t.Context()))
			if _, err := r.Do(t.Context(), "PING"); err == nil {
				t.Error("a killed server answers")
			}
			r.SetConf("maxmemory 12mb")
			must(t, r.Start(t.Context()))
			if got := do(t, r, "GET", "k"); got != c.want || r.Addr() != addr {
				t.Errorf("back on %s (was %s) it has %q, want %q", r.Addr(), addr, got, c.want)
			}
			if got := do(t, r, "CONFIG", "GET", "maxmemory"); got != "maxmemory\n12582912" {
				t.Errorf("SetConf was not heard: %q", got)
			}
			must(t, r.Stop())
			empty(t, dir)
		})
	}
}

func TestRedisPauses(t *testing.T) {
	t.Parallel()
	r := testenv.NewRedis(t, testenv.RedisOptions{})
	must(t, r.Pause())
	pausedSoon(t, r.Pid())
	must(t, r.Resume())
	do(t, r, "PING")
	must(t, r.Pause())
	must(t, r.Kill(t.Context()))
}

func TestSharedRedisIsOne(t *testing.T) {
	t.Parallel()
	if a, b := testenv.SharedRedis(t), testenv.SharedRedis(t); a != b || do(t, a, "PING") != "PONG" {
		t.Errorf("two servers, %s and %s, or none", a.Addr(), b.Addr())
	}
}

func TestRedisRefusesToStart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	_, err := testenv.StartRedis(t.Context(), testenv.RedisOptions{Dir: dir, Conf: []string{"no-such-setting 1"}})
	if err == nil || !strings.Contains(err.Error(), "no-such-setting") {
		t.Errorf("the error does not say why: %v", err)
	}
	empty(t, dir)
}

func TestSentinel(t *testing.T) {
	t.Parallel()
	master := testenv.NewRedis(t, testenv.RedisOptions{})
	sentinel := testenv.NewRedis(t, testenv.RedisOptions{
		Sentinel: true,
		Conf:     []string{"sentinel monitor main 127.0.0.1 " + strconv.Itoa(port(t, master.Addr())) + " 1"},
	})
	for range 2 {
		got := do(t, sentinel, "SENTINEL", "GET-MASTER-ADDR-BY-NAME", "main")
		if want := strings.Replace(master.Addr(), ":", "\n", 1); got != want {
			t.Errorf("the master is %q, want %q", got, want)
		}
		must(t, sentinel.Kill(t.Context()))
		must(t, sentinel.Start(t.Context()))
	}
}

// Every slot has a node, each node sends a client to the right one, and a node that was killed joins again.
func TestRedisCluster(t *testing.T) {
	t.Parallel()
	c := testenv.NewRedisCluster(t)
	if len(c.URLs()) != 3 {
		t.Fatalf("the nodes are %v", c.URLs())
	}
	const slotOfA, slotOfB = 15495, 3300 // CLUSTER KEYSLOT of a and b
	served := 0
	for _, node := range c.Nodes {
		for _, key := range []string{"a", "b"} {
			_, err := node.Do(t.Context(), "SET", key, "v")
			switch {
			case err == nil:
				served++
			case !strings.Contains(err.Error(), "MOVED "+strconv.Itoa(map[string]int{"a": slotOfA, "b": slotOfB}[key])):
				t.Errorf("%s, %s: %v", node.Addr(), key, err)
			}
		}
	}
	if served != 2 {
		t.Errorf("two keys were taken by %d nodes", served)
	}
	lost := c.Nodes[1]
	must(t, lost.Kill(t.Context()))
	must(t, lost.Start(t.Context()))
	if info := do(t, lost, "CLUSTER", "INFO"); !strings.Contains(info, "cluster_known_nodes:3") {
		t.Errorf("it has forgotten the others: %s", info)
	}
}
