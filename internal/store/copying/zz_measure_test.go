package copying_test

import (
	"fmt"
	"os"
	"runtime"
	"testing"
	"time"

	"scrip/internal/store"
	"scrip/internal/store/copying"
	"scrip/internal/testenv"
)

func TestZZMeasure(t *testing.T) {
	n := 1_000_000
	path := "/tmp/scripcopy/m/scrip.db"
	if _, err := os.Stat(path); err != nil {
		os.MkdirAll("/tmp/scripcopy/m", 0o700)
		b := time.Now()
		write(t, path, func(s store.Store) { live2(t, s, n) })
		fmt.Println("made", time.Since(b))
	}
	server := testenv.NewPostgres(t, testenv.PostgresOptions{Durable: true, Conf: []string{"max_wal_size=4GB"}})
	if err := server.CreateDatabase(t.Context(), "x"); err != nil {
		t.Fatal(err)
	}
	for _, to := range []string{server.URL("x"), "/tmp/scripcopy/n/scrip.db"} {
		os.RemoveAll("/tmp/scripcopy/n")
		from := path
		if to[0] == '/' {
			from = server.URL("x")
		}
		began, stage, at := time.Now(), copying.Stage(""), time.Now()
		peak := uint64(0)
		report, err := carry(t.Context(), from, to, copying.Config{Progress: func(p copying.Progress) {
			if p.Stage != stage {
				fmt.Printf("%-30s %v\n", stage, time.Since(at))
				stage, at = p.Stage, time.Now()
			}
			var m runtime.MemStats
			if p.Done%50000 == 0 {
				runtime.ReadMemStats(&m)
				peak = max(peak, m.HeapInuse)
			}
		}})
		fmt.Printf("%-30s %v\n", stage, time.Since(at))
		fmt.Println(from, to, "took", time.Since(began), err, report.Records, report.Exact(), "heap", peak>>20, "MiB", report.Counts)
	}
}
