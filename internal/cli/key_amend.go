package cli

import (
	"time"

	"scrip/client"
)

type keyAmendCmd struct {
	remote `embed:""`

	ID           string     `arg:"" name:"id" help:"The key's id, as in key_…; not its secret."`
	Name         *string    `name:"name" placeholder:"TEXT" help:"Who uses it, for people to read."`
	ExpiresAt    *time.Time `name:"expires-at" placeholder:"TIME" help:"Good until then, as in 2027-01-01T00:00:00Z."`
	Never        bool       `name:"never-expires" help:"Good for ever, instead of --expires-at."`
	Rate         *int64     `name:"rate" placeholder:"N" help:"Requests a second."`
	DefaultRate  bool       `name:"default-rate" help:"As many requests a second as the server lets by default, instead of --rate."`
	Burst        *int64     `name:"burst" placeholder:"N" help:"Requests at once."`
	DefaultBurst bool       `name:"default-burst" help:"As many requests at once as the server lets by default, instead of --burst."`
	Force        bool       `name:"force" help:"Even where no key with the scope admin would last."`
}

// Help is the long help.
func (*keyAmendCmd) Help() string {
	return `What is not said stays as it is. What a key opens can't be changed: make another key.

Example:
  scrip key amend key_01h455vb4pex5vsknk084sn02w --name "till 5" --rate 50 --burst 100
  scrip key amend key_01h455vb4pex5vsknk084sn02w --default-rate --never-expires`
}

// Run changes a key.
func (k *keyAmendCmd) Run(c *command) error {
	change, err := k.change()
	if err != nil {
		return err
	}
	api, err := k.dialFor(k.ID)
	if err != nil {
		return err
	}
	one, err := api.UpdateKey(c.ctx, k.ID, change)
	if err != nil {
		return err
	}
	return c.key(one)
}

// change is what to change.
func (k *keyAmendCmd) change() (change client.KeyChange, err error) {
	if k.Name == nil && k.ExpiresAt == nil && !k.Never && k.Rate == nil && !k.DefaultRate && k.Burst == nil && !k.DefaultBurst {
		return change, usage("say what to change: --name, --expires-at, --never-expires, --rate, --default-rate, --burst or --default-burst")
	}
	change.Force = k.Force
	if k.Name != nil {
		change.Name = client.Set(*k.Name)
	}
	if change.ExpiresAt, err = orRemoved(k.ExpiresAt, k.Never, "--expires-at", "--never-expires"); err != nil {
		return change, err
	}
	if change.RatePerSecond, err = orRemoved(k.Rate, k.DefaultRate, "--rate", "--default-rate"); err != nil {
		return change, err
	}
	change.Burst, err = orRemoved(k.Burst, k.DefaultBurst, "--burst", "--default-burst")
	return change, err
}

// orRemoved is a member of a change that one flag gives a value, and another one takes away.
func orRemoved[T any](value *T, removed bool, give, remove string) (client.Optional[T], error) {
	switch {
	case value != nil && removed:
		return client.Optional[T]{}, usage("give either %s or %s", give, remove)
	case removed:
		return client.Remove[T](), nil
	case value != nil:
		return client.Set(*value), nil
	default:
		return client.Optional[T]{}, nil
	}
}
