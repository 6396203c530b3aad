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

// Found is a voucher with its campaign, and what the store's clock showed as they were read: by that their
// windows are judged, whatever this process's clock shows.
type Found struct {
	Listing
	Now time.Time
}

// ByCode returns the voucher with a code, as it was typed, or fault.ErrVoucherNotFound. Callers who ask at
// once share what they get; it is not to be changed.
func (s *Service) ByCode(ctx context.Context, typed string) (Found, error) {
	key, err := code.Normalise(typed)
	if err != nil {
		return Found{}, err
	}
	found, err := s.lookups.Submit(ctx, key)
	switch {
	case errors.Is(err, groupcommit.ErrQueueFull):
		return Found{}, fault.ErrOverloaded
	case errors.Is(err, groupcommit.ErrClosed):
		return Found{}, fault.ErrShuttingDown
	case err != nil && ctx.Err() != nil:
		return Found{}, fault.ErrTimeout.With(err)
	case err != nil:
		return Found{}, fault.ErrStoreUnavailable.With(err)
	case found.Voucher == nil:
		return Found{}, fault.ErrVoucherNotFound
	default:
		return found, nil
	}
}

// lookUp reads the codes that wait, each once: a crowd asks for the same few.
func (s *Service) lookUp(ctx context.Context, batch []string) ([]Found, error) {
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
	listings, now, err := s.store.Lookup(ctx, keys)
	if err != nil {
		return nil, err
	}
	found := make([]Found, len(batch))
	for i, key := range batch {
		found[i] = Found{Listing: listings[at[key]], Now: now}
	}
	return found, nil
}
