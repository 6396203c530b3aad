package e2e_test

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"scrip/e2e/site"
)

// summary is what a script reads of a stampede.
type summary struct {
	Winners     int64
	Requests    int64
	Refusals    map[string]int64
	Errors      int64
	Exact       bool
	Interrupted bool
	Wrong       []string
}

// stampede runs the rehearsal in the background; the function waits for its end.
func stampede(t *testing.T, p *process, args ...string) (*exec.Cmd, func() (int, summary)) {
	t.Helper()
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(t.Context(), program, slices.Concat([]string{"stampede", "--json", "--url", p.url}, args)...) //nolint:gosec // the program under test
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = t.TempDir(), site.Environment(), &out, &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, func() (int, summary) {
		t.Helper()
		_ = cmd.Wait() // the exit code says it
		var s summary
		if err := json.Unmarshal(out.Bytes(), &s); err != nil {
			t.Fatalf("exit %d: %v\n%s%s", cmd.ProcessState.ExitCode(), err, &out, &errs)
		}
		return cmd.ProcessState.ExitCode(), s
	}
}

func TestAStampedeOutlivesTheServersDeath(t *testing.T) {
	t.Parallel()
	data, listen := filepath.Join(t.TempDir(), "data"), site.FreeAddress(t)
	p := serve(t, data, listen)
	p.code("salam", 3_000)
	_, end := stampede(t, p, "--code", "salam", "--customers", "30000", "--repeat", "1")
	for range 2 {
		p.redeemedMore("salam")
		p.kill()
		p = serve(t, data, listen)
	}
	code, s := end()
	if code != 0 || !s.Exact || s.Winners != 3_000 || s.Refusals["quantity_exceeded"] != 27_000 || s.Errors == 0 {
		t.Errorf("exit %d: %+v", code, s)
	}
	p.verify()
	p.stop()
}

func TestAnInterruptedStampedeSaysSo(t *testing.T) {
	t.Parallel()
	p := serve(t, filepath.Join(t.TempDir(), "data"), "127.0.0.1:0")
	p.code("endless", 0)
	cmd, end := stampede(t, p, "--code", "endless", "--customers", "5000000")
	p.redeemedMore("endless")
	began := time.Now()
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	code, s := end()
	if code != 1 || s.Exact || !s.Interrupted || s.Winners == 0 || len(s.Wrong) == 0 {
		t.Errorf("exit %d: %+v", code, s)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("it took %v to end", took)
	}
	p.verify()
	p.stop()
}

// redeemedMore waits until a code is redeemed more often than it was.
func (p *process) redeemedMore(code string) {
	p.t.Helper()
	redeemed := func() int64 {
		v, err := p.sdk().LookupVoucher(p.t.Context(), code)
		if err != nil {
			p.t.Fatal(err)
		}
		return v.Redeemed
	}
	before := redeemed()
	for end := time.Now().Add(time.Minute); redeemed() == before; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			p.t.Fatalf("%s is still redeemed %d times", code, before)
		}
	}
}
