package chaos_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"github.com/anishathalye/porcupine"
)

// checkMax bounds the search for one history's order. What takes longer is counted as unknown, and an unknown
// is a failure of the run: nothing was proven.
const checkMax = 2 * time.Minute

// mutantCheckMax is enough for a mutant, of which one history refuted will do.
const mutantCheckMax = 3 * time.Second

// history1 is one history to check.
type history1 struct {
	name  string
	model porcupine.Model
	ops   []porcupine.Operation
}

// check has porcupine look for an order of each history.
func (r *chaosRun) check(histories []history1) (violations []string, unknown int) {
	most := checkMax
	if r.mutant {
		most = mutantCheckMax
	}
	var mu sync.Mutex
	todo := make(chan history1, len(histories))
	for _, h := range histories {
		todo <- h
	}
	close(todo)
	var all sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		all.Go(func() {
			for h := range todo {
				result := porcupine.CheckOperationsTimeout(h.model, h.ops, most)
				if result == porcupine.Ok {
					continue
				}
				where := r.keep(h)
				mu.Lock()
				if result == porcupine.Unknown {
					unknown++
					r.w.t.Logf("no order of the %d requests of %s was found or ruled out within %v: %s", len(h.ops), h.name, most, where)
				} else {
					violations = append(violations, fmt.Sprintf("no order explains what was answered of %s: %s", h.name, where))
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	return violations, unknown
}

// kept bounds what a failure leaves behind.
const kept = 8

// keep writes a history, its seed and a picture of it into the folder of failures, and returns where.
func (r *chaosRun) keep(h history1) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.kept++; r.kept > kept || r.mutant {
		return "(not kept)"
	}
	if err := r.makeFolder(); err != nil {
		return err.Error()
	}
	ops := make([]any, len(h.ops))
	for i := range h.ops {
		ops[i] = h.ops[i].Input
	}
	text, err := json.MarshalIndent(ops, "", " ")
	if err == nil {
		err = os.WriteFile(filepath.Join(r.folder, h.name+".json"), text, 0o600)
	}
	_, info := porcupine.CheckOperationsVerbose(h.model, h.ops, checkMax/3)
	picture := filepath.Join(r.folder, h.name+".html")
	if err := errors.Join(err, porcupine.VisualizePath(h.model, info, picture)); err != nil {
		return err.Error()
	}
	return picture
}

// makeFolder makes the folder of failures, with the seed in it.
func (r *chaosRun) makeFolder() error {
	if r.folder != "" {
		return nil
	}
	parent := os.Getenv("SCRIP_CHAOS_DIR")
	if parent != "" {
		if err := os.MkdirAll(parent, 0o700); err != nil {
			return err
		}
	}
	var err error
	if r.folder, err = os.MkdirTemp(parent, "scrip-chaos-failure-"); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(r.folder, "seed"), fmt.Appendf(nil, "SCRIP_CHAOS_SEED=%d\n", r.seed), 0o600)
}
