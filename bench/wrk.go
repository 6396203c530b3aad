package main

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"
)

//go:embed load.lua
var loadScript []byte

const (
	wrkThreads = 2
	// customersMax is how many customers the script's bijection has: mobiles of nine free digits.
	customersMax = 1_000_000_000
	// threadRateMax is more than a thread of wrk can ask for in a second; it bounds the customers of a run.
	threadRateMax = 100_000
	wrkSlack      = 30 * time.Second // beyond its duration, before a run is given up
)

// load is one run of wrk.
type load struct {
	base        string // http://host:port
	path        string
	code        string
	field       string // the member that holds the customer
	key         string // API key to call with, empty for none
	first       int64  // number of the first customer
	span        int64  // customers of each thread
	connections int
	duration    time.Duration
}

// sample is what wrk counted. Its percentiles are corrected by wrk for requests that waited to be sent.
type sample struct {
	Requests     int64 `json:"requests"`
	DurationUS   int64 `json:"duration_us"`
	P50US        int64 `json:"p50_us"`
	P99US        int64 `json:"p99_us"`
	MaxUS        int64 `json:"max_us"`
	Non2xx       int64 `json:"non_2xx"`
	SocketErrors int64 `json:"socket_errors"`
}

// rate is responses a second.
func (s sample) rate() float64 { return float64(s.Requests) / (float64(s.DurationUS) / 1e6) }

// wrk runs wrk and reads its result.
type wrk struct {
	script string // path of load.lua
}

// newWrk finds wrk and writes its script into dir.
func newWrk(dir string) (*wrk, error) {
	if _, err := exec.LookPath("wrk"); err != nil {
		return nil, errors.New("wrk is missing; install it (apt install wrk, brew install wrk, or from " +
			"https://github.com/wg/wrk) and run this again")
	}
	script := filepath.Join(dir, "load.lua")
	return &wrk{script: script}, os.WriteFile(script, loadScript, 0o600)
}

// version is wrk's own name for itself.
func (w *wrk) version(ctx context.Context) string {
	out, _ := exec.CommandContext(ctx, "wrk", "-v").CombinedOutput() // it exits 1 after printing
	line, _, _ := bytes.Cut(out, []byte(" Copyright"))
	return string(line)
}

func (w *wrk) run(ctx context.Context, l load) (sample, error) {
	ctx, cancel := context.WithTimeout(ctx, l.duration+wrkSlack)
	defer cancel()
	args := []string{
		"-t", strconv.Itoa(wrkThreads), "-c", strconv.Itoa(l.connections),
		"-d", strconv.Itoa(int(l.duration.Seconds())) + "s", "--timeout", "10s", "-s", w.script, l.base, "--",
		l.path, l.code, l.field, strconv.FormatInt(l.first, 10), strconv.FormatInt(l.span, 10),
	}
	if l.key != "" {
		args = append(args, l.key)
	}
	cmd := exec.CommandContext(ctx, "wrk", args...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return sample{}, fmt.Errorf("wrk: %w\n%s", err, out)
	}
	_, text, found := bytes.Cut(out, []byte("RESULT "))
	var s sample
	if !found || json.Unmarshal(text, &s) != nil || s.Requests == 0 {
		return sample{}, fmt.Errorf("wrk printed no result:\n%s", out)
	}
	if s.SocketErrors > 0 {
		return s, fmt.Errorf("%d of wrk's requests had no response", s.SocketErrors)
	}
	if s.Requests > wrkThreads*l.span {
		return s, fmt.Errorf("wrk sent %d requests, more than there were customers for", s.Requests)
	}
	return s, nil
}

// mobile is the customer of a number, as load.lua writes it.
func mobile(number int64) string {
	return fmt.Sprintf("09%09d", number*618033%customersMax)
}
