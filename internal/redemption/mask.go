package redemption

import (
	"scrip/internal/redact"
	"scrip/internal/store"
)

// masked is an error of the store in words that name no code, no customer and no key of the commands that it may speak of. A
// batch fails for all who wait for it, and what one of them has sent must not stand in the log lines of the others.
type masked struct {
	err  error
	text string
}

func (m masked) Error() string { return m.text }
func (m masked) Unwrap() error { return m.err }

func maskedIn(batch []store.Command, err error) error {
	values := make([]string, 0, 3*len(batch))
	for _, command := range batch {
		switch c := command.(type) {
		case *store.Redeem:
			values = append(values, c.Code, c.Customer, c.Key)
			if c.Order != nil {
				values = append(values, c.Order.ID)
			}
		case *store.Rollback:
			values = append(values, c.Key, c.Reason)
		case *store.Post:
			values = append(values, c.Customer, c.To, c.Key)
		}
	}
	return maskedOf(values, err)
}

func maskedOf(values []string, err error) error {
	return masked{err: err, text: redact.Values(err.Error(), values)}
}
