package main

import (
	"context"
	"time"
)

// idleResult is what a server costs that nobody asks anything.
type idleResult struct {
	Name        string    `json:"name"`
	ReadyMS     []float64 `json:"ready_ms"`     // from exec to the first 200 of /readyz
	ResidentMiB []float64 `json:"resident_mib"` // a while after that
}

const (
	idleStarts = 5
	idleWait   = time.Second
)

// idle starts and stops a server on an existing data folder. A first start is not measured: the system's
// caches are warm for the others.
func (b *bench) idle(ctx context.Context, name, data string) (idleResult, error) {
	r := idleResult{Name: name}
	for i := range idleStarts + 1 {
		s, took, err := b.serve(ctx, data)
		if err != nil {
			return r, err
		}
		time.Sleep(idleWait)
		resident := residentMiB(s.cmd.Process.Pid)
		s.stop()
		if i > 0 {
			r.ReadyMS = append(r.ReadyMS, milliseconds(took))
			r.ResidentMiB = append(r.ResidentMiB, resident)
		}
	}
	return r, ctx.Err()
}
