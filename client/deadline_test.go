package client_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"time"

	"scrip/client"
)

// A deadline of the caller travels with the request, in seconds; without one nothing is said.
func TestDeadlineTravels(t *testing.T) {
	t.Parallel()
	said := make(chan []string, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		said <- r.Header["Request-Timeout"]
		_, _ = w.Write([]byte(`{"status":"ready"}`))
	}))
	t.Cleanup(server.Close)
	c, err := client.New(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := <-said; got != nil {
		t.Errorf("without a deadline: %q", got)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	if _, err := c.Ready(ctx); err != nil {
		t.Fatal(err)
	}
	got := <-said
	if len(got) != 1 {
		t.Fatalf("with a deadline: %q", got)
	}
	if s, err := strconv.ParseFloat(got[0], 64); err != nil || s > 3600 || s < 1800 {
		t.Errorf("an hour is told as %q", got[0])
	}
}
