package client_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"scrip/client"
)

func Example() {
	ctx := context.Background()
	server := httptest.NewServer(http.HandlerFunc(demo)) // in earnest: http://127.0.0.1:8000
	defer server.Close()

	c, err := client.New(server.URL)
	if err != nil {
		fmt.Println(err)
		return
	}
	receipt, err := c.Redeem(ctx, client.RedeemRequest{Code: "salam", Customer: "09123456789"}, client.IdempotencyKey("order-4711"))
	switch {
	case err == nil:
		fmt.Printf("you are number %d of %d\n", receipt.Rank, *receipt.Limit)
	case client.CodeOf(err) == client.CodeQuantityExceeded:
		fmt.Println("sold out")
	default:
		fmt.Println(err)
	}
	_, err = c.Redeem(ctx, client.RedeemRequest{Code: "salam", Customer: "09120000000"})
	fmt.Println(client.CodeOf(err))
	// Output:
	// you are number 417 of 1000
	// quantity_exceeded
}

// demo redeems for those who bring a key.
func demo(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Idempotency-Key") == "" {
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"code":"quantity_exceeded","detail":"This code is sold out."}`)
		return
	}
	w.WriteHeader(http.StatusCreated)
	fmt.Fprint(w, `{"rank":417,"limit":1000}`)
}
