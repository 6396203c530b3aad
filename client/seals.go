package client

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"time"
)

// Seal commits to a number of transactions, and to all seals before it. Whoever keeps its number and its hash can tell
// later whether the server still stands by all of them: see CheckSeals.
type Seal struct {
	Object    string    `json:"object"`
	Number    int64     `json:"number"`   // 1, 2, 3 …
	Hash      string    `json:"hash"`     // 64 hexadecimal digits, as the next three
	Previous  string    `json:"previous"` // the hash of the seal before; zeros in the first
	Root      string    `json:"root"`     // of the Merkle tree over the transactions
	Members   string    `json:"members"`  // the hash of the list that says which they are
	Count     int64     `json:"count"`    // transactions in this seal
	Total     int64     `json:"total"`    // transactions in this seal and all before
	CreatedAt time.Time `json:"created_at"`
}

// Digest computes what Hash must be.
func (s *Seal) Digest() (string, error) {
	b := []byte("scrip seal 1\x00")
	number := func(n int64) { b = binary.BigEndian.AppendUint64(b, uint64(n)) } //nolint:gosec // two's complement
	var errs []error
	hash := func(text string) {
		h, err := hex.DecodeString(text)
		if err == nil && len(h) != sha256.Size {
			err = fmt.Errorf("%.80q is no SHA-256", text)
		}
		errs = append(errs, err)
		b = append(b, h...)
	}
	number(s.Number)
	hash(s.Previous)
	number(s.Count)
	number(s.Total)
	hash(s.Root)
	hash(s.Members)
	number(s.CreatedAt.UnixMicro())
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:]), errors.Join(errs...)
}

// LatestSeal returns the newest seal.
func (c *Client) LatestSeal(ctx context.Context, o ...RequestOption) (*Seal, error) {
	out := &Seal{}
	_, err := c.into(ctx, get("/v1/seals/latest", nil), o, out)
	return orNil(out, err)
}

// Seal returns the seal of a number.
func (c *Client) Seal(ctx context.Context, number int64, o ...RequestOption) (*Seal, error) {
	out := &Seal{}
	_, err := c.into(ctx, get("/v1/seals/"+strconv.FormatInt(number, 10), nil), o, out)
	return orNil(out, err)
}

// Seals returns a page of seals, newest first. The cursors of p are numbers.
func (c *Client) Seals(ctx context.Context, p Page, o ...RequestOption) (*List[Seal], error) {
	out := &List[Seal]{}
	_, err := c.into(ctx, get("/v1/seals", p.values()), o, out)
	return orNil(out, err)
}

// AllSeals walks over all pages from p on.
func (c *Client) AllSeals(ctx context.Context, p Page) iter.Seq2[Seal, error] {
	return walk(p, func(p Page) (*List[Seal], error) { return c.Seals(ctx, p) },
		func(s *Seal) string { return strconv.FormatInt(s.Number, 10) })
}

// ErrSealBroken is what is wrong with a chain of seals: the server does not stand by what it said.
var ErrSealBroken = errors.New("the chain of seals is broken")

// CheckSeals holds the server to a seal that was kept earlier, by its number and its hash: it must still be there, and
// every seal since must be what its hash says and name the one before, up to the newest, which is returned. It
// proves nothing about the transactions themselves: those, the operator's `scrip verify` holds against the seals. An
// error that is not ErrSealBroken says that the server could not be asked.
func (c *Client) CheckSeals(ctx context.Context, number int64, hash string) (*Seal, error) {
	last, err := c.Seal(ctx, number)
	if CodeOf(err) == CodeSealNotFound {
		return nil, fmt.Errorf("%w: seal %d is not there any more", ErrSealBroken, number)
	}
	if err != nil {
		return nil, err
	}
	if last.Hash != hash {
		return nil, fmt.Errorf("%w: seal %d was %s and is %s now", ErrSealBroken, number, hash, last.Hash)
	}
	if err := last.whole(); err != nil {
		return nil, err
	}
	for {
		list, err := c.Seals(ctx, Page{Limit: 100, EndingBefore: strconv.FormatInt(last.Number, 10)})
		if err != nil {
			return nil, err
		}
		for _, next := range slices.Backward(list.Data) {
			if err := next.follows(last); err != nil {
				return nil, err
			}
			last = &next
		}
		if !list.HasMore || len(list.Data) == 0 {
			return last, nil
		}
	}
}

// whole checks that s is what its hash says.
func (s *Seal) whole() error {
	digest, err := s.Digest()
	if err != nil {
		return fmt.Errorf("%w: seal %d: %w", ErrSealBroken, s.Number, err)
	}
	if digest != s.Hash {
		return fmt.Errorf("%w: seal %d is not what its hash says", ErrSealBroken, s.Number)
	}
	return nil
}

// follows checks that s is the seal behind before.
func (s *Seal) follows(before *Seal) error {
	if s.Number != before.Number+1 {
		return fmt.Errorf("%w: seal %d is missing", ErrSealBroken, before.Number+1)
	}
	if s.Previous != before.Hash || s.Total != before.Total+s.Count {
		return fmt.Errorf("%w: seal %d does not follow seal %d", ErrSealBroken, s.Number, before.Number)
	}
	return s.whole()
}

// PublishedSeal is what is kept of a seal: NUMBER:HASH.
func (s *Seal) PublishedSeal() string { return strconv.FormatInt(s.Number, 10) + ":" + s.Hash }
