package campaign

import (
	"context"
	"errors"
	"time"

	"scrip/internal/code"
	"scrip/internal/fault"
	"scrip/internal/groupcommit"
)

// lookupWaitMax bounds one read: its batch has no caller's deadline, and the next waits for it.
const lookupWaitMax = 10 * time.Second

// ByCode returns the voucher with a code, as it was typed, or fault.ErrVoucherNotFound. Callers who ask at
// once share what they get; it is not to be changed.
func (s *Service) ByCode(ctx context.Context, typed string) (Listing, error) {
	key, err := code.Normalise(typed)
	if err != nil {
		return Listing{}, err
	}
	found, err := s.lookups.Submit(ctx, key)
	switch {
	case errors.Is(err, groupcommit.ErrQueueFull):
		return Listing{}, fault.ErrOverloaded
	case errors.Is(err, groupcommit.ErrClosed):
		return Listing{}, fault.ErrShuttingDown
	case err != nil && ctx.Err() != nil:
		return Listing{}, fault.ErrTimeout.With(err)
	case err != nil:
		return Listing{}, fault.ErrStoreUnavailable.With(err)
	case found.Voucher == nil:
		return Listing{}, fault.ErrVoucherNotFound
	default:
		return found, nil
	}
}

// lookUp reads the codes that wait, each once: a crowd asks for the same few.
func (s *Service) lookUp(ctx context.Context, batch []string) ([]Listing, error) {
	ctx, cancel := context.WithTimeout(ctx, lookupWaitMax)
	defer cancel()
	at := make(map[string]int, len(batch))
	keys := make([]string, 0, len(batch))
	for _, key := range batch {
		if _, known := at[key]; !known {
			at[key] = len(keys)
			keys = append(keys, key)
		}
	}
	found, _, err := s.store.Lookup(ctx, keys)
	if err != nil {
		return nil, err
	}
	listings := make([]Listing, len(batch))
	for i, key := range batch {
		listings[i] = found[at[key]]
	}
	return listings, nil
}
