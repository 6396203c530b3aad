package groupcommit

// call is one command on its way to its reply. Before it is pushed and after its reply it belongs to
// the caller; in between, to whoever took it off the queue.
type call[C, R any] struct {
	command C
	client  Client        // nil for nobody to ask
	result  R             // written before the reply is sent, read after it
	err     error         // likewise
	done    chan struct{} // of capacity 1: the only reply never waits for its caller

	queued     bool // guarded by the batcher's mu, as are its neighbours
	prev, next *call[C, R]
}

// gone says why nobody waits for the reply any longer, or nil.
func (c *call[C, R]) gone() error {
	if c.client == nil {
		return nil
	}
	return c.client.Err()
}

// answer sends the reply. The caller may use c for another submit at once: do not touch it again.
func (c *call[C, R]) answer(result R) {
	c.result = result
	c.done <- struct{}{}
}

// fail sends an error as the reply; see answer.
func (c *call[C, R]) fail(err error) {
	c.err = err
	c.done <- struct{}{}
}

// queue is a list linked through its calls: pushing allocates nothing, and a call that is withdrawn
// from the middle leaves no trace, so that callers who come and go during a long flush take no memory.
// The batcher's mu guards it.
type queue[C, R any] struct {
	head, tail *call[C, R]
	len        int
}

func (q *queue[C, R]) push(c *call[C, R]) {
	c.queued = true
	c.prev = q.tail
	if q.tail == nil {
		q.head = c
	} else {
		q.tail.next = c
	}
	q.tail = c
	q.len++
}

func (q *queue[C, R]) remove(c *call[C, R]) {
	if c.prev == nil {
		q.head = c.next
	} else {
		c.prev.next = c.next
	}
	if c.next == nil {
		q.tail = c.prev
	} else {
		c.next.prev = c.prev
	}
	c.prev, c.next, c.queued = nil, nil, false
	q.len--
}

// take moves up to n calls from the head to the end of calls.
func (q *queue[C, R]) take(calls []*call[C, R], n int) []*call[C, R] {
	for ; n > 0 && q.head != nil; n-- {
		calls = append(calls, q.head)
		q.remove(q.head)
	}
	return calls
}
