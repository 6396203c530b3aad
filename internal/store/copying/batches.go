package copying

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"

	"scrip/internal/store"
)

// copy adds what is behind a place to the target. One goroutine reads ahead while the target writes: at most two
// batches wait.
func (c *copier) copy(ctx context.Context, after store.Place) error {
	reading, cancel := context.WithCancel(ctx)
	batches := make(chan []store.Record, 1)
	var reader sync.WaitGroup
	var errRead error
	reader.Go(func() {
		defer close(batches)
		errRead = read(reading, c.source, after, c.cfg.BatchMax, batches)
	})
	errWritten := c.write(ctx, batches)
	cancel()
	for range batches {
		continue // what was read ahead of a failure is dropped, so that the reader ends
	}
	reader.Wait()
	if errWritten != nil { // the reader's error, if any, is that it was told to stop
		return fmt.Errorf("write to the target: %w", errWritten)
	}
	if errRead != nil {
		return fmt.Errorf("read the source: %w", errRead)
	}
	return nil
}

func (c *copier) write(ctx context.Context, batches <-chan []store.Record) error {
	tell := func() {
		c.cfg.Progress(Progress{Stage: Copying, Done: c.report.Before + c.report.Copied, Total: c.report.Records})
	}
	tell()
	for batch := range batches {
		if err := c.im.Add(ctx, batch); err != nil {
			return err
		}
		c.report.Copied += int64(len(batch))
		tell()
	}
	return nil
}

// bytesMax bounds a batch whose records are large: the snapshot of a creation of many codes is.
const bytesMax = 8 << 20

// read sends what is behind a place in batches, until ctx ends.
func read(ctx context.Context, from store.Exporter, after store.Place, most int, batches chan<- []store.Record) error {
	send := func(batch []store.Record) error {
		select {
		case batches <- batch:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	var batch []store.Record
	size := 0
	err := from.Export(ctx, after, func(r store.Record) error {
		batch = append(batch, r)
		if k, large := r.(*store.KeyRecord); large {
			size += len(k.Snapshot)
		}
		if len(batch) < most && size < bytesMax {
			return nil
		}
		full := batch
		batch, size = make([]store.Record, 0, most), 0
		return send(full)
	})
	if err == nil && len(batch) > 0 {
		err = send(batch)
	}
	return err
}

// chunkMax is how many records go from one goroutine to another at a time in a comparison.
const chunkMax = 500

// stream is an export that is read from another goroutine, record by record.
type stream struct {
	chunks chan []store.Record
	chunk  []store.Record
	ended  sync.WaitGroup
	err    error // once chunks is closed
}

func newStream(ctx context.Context, from store.Exporter) *stream {
	s := &stream{chunks: make(chan []store.Record, 1)}
	s.ended.Go(func() {
		defer close(s.chunks)
		s.err = read(ctx, from, store.Place{}, chunkMax, s.chunks)
	})
	return s
}

// next is the next record, or nil at the end.
func (s *stream) next() (store.Record, error) {
	for len(s.chunk) == 0 {
		chunk, more := <-s.chunks
		if !more {
			return nil, s.err
		}
		s.chunk = chunk
	}
	r := s.chunk[0]
	s.chunk = s.chunk[1:]
	return r, nil
}

// stop ends the stream, whose context has ended or which was read to its end.
func (s *stream) stop() {
	for range s.chunks {
		continue // nobody wants the rest
	}
	s.ended.Wait()
}

// compare reads both sides from the beginning and compares them record by record, and the source with what it
// was when it was read first.
func (c *copier) compare(ctx context.Context) error {
	reading, cancel := context.WithCancel(ctx)
	source, target := newStream(reading, c.source), newStream(reading, c.target)
	defer source.stop()
	defer target.stop()
	defer cancel()
	again := newTally()
	nextSource := func() (store.Record, error) {
		r, err := source.next()
		if r != nil {
			again.add(r)
			if again.records%progressEvery == 0 {
				c.cfg.Progress(Progress{Stage: Comparing, Done: again.records, Total: c.report.Records})
			}
		}
		return r, wrap("read the source", err)
	}
	nextTarget := func() (store.Record, error) {
		r, err := target.next()
		return r, wrap("read the target", err)
	}
	if err := c.walk(nextSource, nextTarget); err != nil {
		return err
	}
	if again.digest() != c.digest {
		return ErrMoved
	}
	return nil
}

func wrap(doing string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// walk goes along both sides at once and notes where they differ.
func (c *copier) walk(nextSource, nextTarget func() (store.Record, error)) error {
	s, errSource := nextSource()
	t, errTarget := nextTarget()
	var bufS, bufT []byte
	for s != nil || t != nil {
		if err := errors.Join(errSource, errTarget); err != nil {
			return err
		}
		switch order := before(s, t); {
		case order < 0:
			c.report.differ(Missing, s)
			s, errSource = nextSource()
		case order > 0:
			c.report.differ(Added, t)
			t, errTarget = nextTarget()
		default:
			bufS, bufT = s.Append(bufS[:0]), t.Append(bufT[:0])
			if !bytes.Equal(bufS, bufT) {
				c.report.differ(Changed, s)
			}
			s, errSource = nextSource()
			t, errTarget = nextTarget()
		}
	}
	return errors.Join(errSource, errTarget)
}

// before compares places; at its end, a side is behind everything.
func before(s, t store.Record) int {
	switch {
	case s == nil:
		return 1
	case t == nil:
		return -1
	default:
		return s.Place().Compare(t.Place())
	}
}
