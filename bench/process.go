package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const (
	stopWaitMax  = 30 * time.Second // for a process to end after SIGTERM, before it is killed
	readyWaitMax = 2 * time.Minute  // for a server to be ready
	readyPoll    = time.Millisecond
)

// process is a child of ours. Only stop ends it; nothing else on the machine is ever touched.
type process struct {
	cmd     *exec.Cmd
	stdin   io.Closer
	started time.Time
	base    string        // http://host:port
	ended   chan struct{} // closed once it is gone
}

// start runs a program with its standard input held open and without any setting of Scrip's in its
// environment. It outlives ctx: stop ends it, in good order.
func start(ctx context.Context, program, dir string, stdout, stderr io.Writer, args ...string) (*process, error) {
	cmd := exec.CommandContext(context.WithoutCancel(ctx), program, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, stdout, stderr
	for _, pair := range os.Environ() {
		if !strings.HasPrefix(pair, "SCRIP_") {
			cmd.Env = append(cmd.Env, pair)
		}
	}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	p := &process{cmd: cmd, stdin: stdin, started: time.Now(), ended: make(chan struct{})}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(p.ended)
		_ = cmd.Wait() // it was told to end, or the log says why it did
	}()
	return p, nil
}

// stop ends the process in good order, or kills it if it takes too long.
func (p *process) stop() {
	_ = p.stdin.Close()
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(stopWaitMax):
		_ = p.cmd.Process.Kill()
		<-p.ended
	}
}

// firstLine is a Writer that hands over the first line written to it.
type firstLine struct {
	line chan string
	seen []byte
	done bool
}

func (f *firstLine) Write(b []byte) (int, error) {
	if !f.done {
		f.seen = append(f.seen, b...)
		if line, _, found := bytes.Cut(f.seen, []byte("\n")); found {
			f.line <- string(line)
			f.done = true
		}
	}
	return len(b), nil
}

// startScrip serves a data directory on a free port, as a user would who sets nothing else but the flags,
// and waits until it is ready. The time from its start to its first ready answer is the second result.
func startScrip(ctx context.Context, binary, data string, flags ...string) (*process, time.Duration, error) {
	address, err := freeAddress()
	if err != nil {
		return nil, 0, err
	}
	name := data + ".log"
	log, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600) //nolint:gosec // our own folder
	if err != nil {
		return nil, 0, err
	}
	defer log.Close() //nolint:errcheck // the child has its own
	flags = append([]string{"serve", "--listen", address, "--data", data}, flags...)
	p, err := start(ctx, binary, filepath.Dir(data), log, log, flags...)
	if err != nil {
		return nil, 0, err
	}
	p.base = "http://" + address
	took, err := p.ready(ctx)
	if err != nil {
		p.stop()
		said, _ := os.ReadFile(name) //nolint:gosec // our own folder
		return nil, 0, fmt.Errorf("scrip serve: %w\n%s", err, said)
	}
	return p, took, nil
}

// ready waits for the first 200 of /readyz, and returns the time since the process was started.
func (p *process) ready(ctx context.Context) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, readyWaitMax)
	defer cancel()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for {
		if status, err := get(ctx, client, p.base+"/readyz"); err == nil && status == http.StatusOK {
			return time.Since(p.started), nil
		}
		select {
		case <-ctx.Done():
			return 0, fmt.Errorf("not ready: %w", ctx.Err())
		case <-p.ended:
			return 0, errors.New("it ended")
		case <-time.After(readyPoll):
		}
	}
}

// get returns the status of a GET.
func get(ctx context.Context, client *http.Client, url string) (int, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return 0, err
	}
	response, err := client.Do(request)
	if err != nil {
		return 0, err
	}
	return response.StatusCode, response.Body.Close()
}

// freeAddress is a loopback address that nobody listens on at the moment.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // closed at once
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}
