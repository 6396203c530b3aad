package main

import (
	"bufio"
	"context"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// facts describe the machine, so that figures from two machines are not taken for one another.
type facts struct {
	CPU         string  `json:"cpu"`
	Cores       int     `json:"cores"`
	MemoryMiB   int64   `json:"memory_mib"`
	System      string  `json:"system"`
	FileSystem  string  `json:"file_system"`
	SyncUS      float64 `json:"sync_us"` // median of appending 4 KiB to a file and syncing it
	Go          string  `json:"go"`
	Wrk         string  `json:"wrk"`
	SyncSamples int     `json:"sync_samples"`
}

const (
	syncSamples = 200
	syncBytes   = 4096
)

func (b *bench) facts(ctx context.Context) (facts, error) {
	f := facts{
		CPU:        after("/proc/cpuinfo", "model name"),
		Cores:      runtime.NumCPU(),
		System:     runtime.GOOS + "/" + runtime.GOARCH,
		FileSystem: fileSystem(b.dir),
		Go:         runtime.Version(),
		Wrk:        b.wrk.version(ctx),
	}
	if release, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		f.System += " " + strings.TrimSpace(string(release))
	}
	f.MemoryMiB = kibibytes(after("/proc/meminfo", "MemTotal")) / 1024
	took, err := syncTimes(filepath.Join(b.dir, "sync"))
	f.SyncUS, f.SyncSamples = median(took), len(took)
	return f, err
}

// syncTimes appends to a file and syncs it, again and again, and returns how many microseconds each took.
func syncTimes(path string) ([]float64, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o600) //nolint:gosec // our own folder
	if err != nil {
		return nil, err
	}
	defer file.Close() //nolint:errcheck // only its syncs count
	took := make([]float64, syncSamples)
	page := make([]byte, syncBytes)
	for i := range took {
		began := time.Now()
		if _, err := file.Write(page); err != nil {
			return nil, err
		}
		if err := file.Sync(); err != nil {
			return nil, err
		}
		took[i] = microseconds(time.Since(began))
	}
	return took, nil
}

// after returns what a file of the form "name: value" says of a name; nothing where there is no such file.
func after(path, name string) string {
	file, err := os.Open(path) //nolint:gosec // a file of the system's
	if err != nil {
		return ""
	}
	defer file.Close() //nolint:errcheck // only read
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		key, value, found := strings.Cut(lines.Text(), ":")
		if found && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// kibibytes reads "123 kB".
func kibibytes(text string) int64 {
	n, _ := strconv.ParseInt(strings.TrimSuffix(text, " kB"), 10, 64)
	return n
}

// residentMiB is the resident memory of a process; 0 where the system does not say.
func residentMiB(pid int) float64 {
	return float64(kibibytes(after("/proc/"+strconv.Itoa(pid)+"/status", "VmRSS"))) / 1024
}
