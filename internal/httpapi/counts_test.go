package httpapi_test

import "sync"

// counts is how often each word was said.
type counts struct {
	mu sync.Mutex
	n  map[string]int
}

func newCounts() *counts { return &counts{n: map[string]int{}} }

func (c *counts) add(word string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n[word]++
}

func (c *counts) of(word string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n[word]
}
