package httpapi_test

import (
	"flag"
	"fmt"
	"net/http"
	"os"
	"sync"
	"testing"
	"time"

	"scrip/internal/httpapi"
)

// taken has the routes that have answered with a success.
var taken sync.Map

func observed(route string, status int, _ time.Duration) {
	if status < http.StatusBadRequest {
		taken.Store(route, true)
	}
}

// A whole run speaks to every route with success at least once, and so holds its answer to the contract.
func TestMain(m *testing.M) {
	flag.Parse()
	code := m.Run()
	whole := true
	for _, name := range []string{"test.run", "test.skip", "test.fuzz", "test.list", "test.fuzzworker", "test.bench"} {
		if f := flag.Lookup(name); f != nil && f.Value.String() != "" && f.Value.String() != "false" {
			whole = false
		}
	}
	for _, rt := range httpapi.Routes() {
		if name := rt.Method + " " + rt.Path; whole && code == 0 {
			if _, ok := taken.Load(name); !ok {
				fmt.Println("no test has succeeded with " + name)
				code = 1
			}
		}
	}
	os.Exit(code)
}
