package store

import (
	"context"
	"encoding/binary"
	"time"

	"scrip/internal/access"
	"scrip/internal/fault"
	"scrip/internal/id"
)

// Trail reads what administrators changed. A change and its event are one unit: neither is there without the other.
// No verb changes an event.
type Trail interface {
	// ListEvents returns a page, newest first.
	ListEvents(ctx context.Context, f EventFilter, p Page) (es []Event, more bool, err error)
	// PruneEvents removes the oldest events from before a time, limit of them at most (1 to PruneMax), and returns how many. It is
	// retention's alone.
	PruneEvents(ctx context.Context, before time.Time, limit int) (n int, err error)
}

// PruneMax bounds one step of PruneEvents, so that its locks and its write are short.
const PruneMax = 10_000

// Event is one administrative change.
type Event struct {
	ID     id.ID
	At     time.Time // by the store's clock
	By     access.By // who, and under which request
	Action Action
	Object string // the prefixed id of what was changed
	// Before and After are the object in the words of the API, as JSON; '' where there was or is none. They hold no key's
	// hash or secret, and a voucher's code masked, for a code is worth money.
	Before, After string
}

// Action says what was done.
type Action = string

// The actions.
const (
	CampaignCreated Action = "campaign.create"
	CampaignAmended Action = "campaign.amend"
	VoucherCreated  Action = "voucher.create"
	VoucherAmended  Action = "voucher.amend"
	KeyCreated      Action = "key.create"
	KeyRotated      Action = "key.rotate" // two events: of the key that was replaced, and of the one that replaces it
	KeyAmended      Action = "key.amend"
	KeyRevoked      Action = "key.revoke"
)

// EventFilter narrows a list of events; a zero member asks for all. At most one is set.
type EventFilter struct {
	Object string // the prefixed id of what was changed
	Actor  id.ID  // the key that changed it
	Action Action
}

// CheckPrune refuses a step of PruneEvents that is out of its bounds, for drivers.
func CheckPrune(limit int) error {
	if limit < 1 || limit > PruneMax {
		return fault.ErrInvalidRequest.Says("Of events, 1 to 10,000 are removed at once.").On("limit")
	}
	return nil
}

// PruneBound is an id that no event from before a time reaches, for drivers: ids rise with the millisecond.
func PruneBound(before time.Time) (bound id.ID) {
	milli := uint64(max(before.UnixMilli(), 0)) + 1
	binary.BigEndian.PutUint64(bound[:8], milli<<16)
	return bound
}
