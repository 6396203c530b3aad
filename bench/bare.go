package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"
)

// The measuring stick: what net/http alone costs. It decodes the request's JSON and answers a constant.

const (
	bareArgument = "bare" // that makes this program the bare server
	bareAnswer   = "Congratulation your credit increased! 🎉"
	bareWaitMax  = 5 * time.Second
)

func bareHandler(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Code   string `json:"code"`
		Mobile string `json:"mobile"`
	}
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil || body.Code == "" || body.Mobile == "" {
		http.Error(w, "bad request", http.StatusBadRequest)
		return
	}
	_, _ = io.WriteString(w, bareAnswer)
}

// serveBare serves until its standard input ends, which it does when its parent ends, however that
// comes about. It prints its address first.
func serveBare() error {
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // lives as long as the process
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /codes/use", bareHandler)
	addRehearsal(mux)
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		_ = server.Close()
	}()
	fmt.Println(listener.Addr())
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// startBare starts this program again as the bare server.
func startBare(ctx context.Context) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	out := &firstLine{line: make(chan string, 1)}
	p, err := start(ctx, self, "", out, os.Stderr, bareArgument)
	if err != nil {
		return nil, err
	}
	select {
	case address := <-out.line:
		p.base = "http://" + address
		return p, nil
	case <-p.ended:
		return nil, errors.New("the bare server ended")
	case <-time.After(bareWaitMax):
		p.stop()
		return nil, errors.New("the bare server did not say where it listens")
	}
}
