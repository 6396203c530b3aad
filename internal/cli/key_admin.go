package cli

import (
	"errors"
	"io"
	"strings"
	"time"

	"scrip/client"
)

type keyListCmd struct {
	remote `embed:""`

	Limit int    `name:"limit" default:"20" placeholder:"N" help:"At most so many, up to 100 (${default})."`
	After string `name:"after" placeholder:"KEY" help:"Only those older than the key with this id."`
}

// Help is the long help.
func (*keyListCmd) Help() string {
	return `It shows no secrets, only their last characters.

Example:
  scrip key list`
}

// Run lists keys.
func (k *keyListCmd) Run(c *command) error {
	if err := checkLimit(k.Limit); err != nil {
		return err
	}
	api, err := k.dial()
	if err != nil {
		return err
	}
	list, err := api.Keys(c.ctx, client.Page{Limit: k.Limit, StartingAfter: k.After})
	if err != nil {
		return err
	}
	return c.answer(list, func(w io.Writer) {
		if len(list.Data) == 0 {
			line(w, "There is no key.")
			return
		}
		line(w, "NAME\tOPENS\tSTATUS\tSECRET\tLAST USED\tKEY")
		for i := range list.Data {
			one := &list.Data[i]
			opens := strings.Join(one.Scopes, ",")
			if one.Kind == client.KeyPublishable {
				opens = "publishable"
			}
			line(w, "%s\t%s\t%s\t…%s\t%s\t%s", one.Name, opens, one.Status, one.Tail, when(one.LastUsedAt, "never"), one.ID)
		}
		if list.HasMore {
			line(w, "There are more: scrip key list%s --after %s", urlFlag(k.URL), list.Data[len(list.Data)-1].ID)
		}
	})
}

// when shows a time, or another word where there is none.
func when(t *time.Time, none string) string {
	if t == nil {
		return none
	}
	return t.UTC().Format(time.RFC3339)
}

type keyShowCmd struct {
	remote `embed:""`

	ID string `arg:"" name:"id" help:"The key's id, as in key_…; not its secret."`
}

// Help is the long help.
func (*keyShowCmd) Help() string {
	return `Example:
  scrip key show key_01h455vb4pex5vsknk084sn02w`
}

// Run shows a key.
func (k *keyShowCmd) Run(c *command) error {
	api, err := k.dialFor(k.ID)
	if err != nil {
		return err
	}
	one, err := api.Key(c.ctx, k.ID)
	if err != nil {
		return err
	}
	return c.key(one)
}

// dialFor is dial for a command about a key, which must be named by its id: a secret in its place would
// end up in logs.
func (r *remote) dialFor(key string) (*client.Client, error) {
	if strings.HasPrefix(key, "sk_") || strings.HasPrefix(key, "pk_") {
		return nil, usage("that is a key's secret; name the key by its id, as in key_…, which scrip key list shows")
	}
	return r.dial()
}

// key shows one key.
func (c *command) key(k *client.Key) error {
	return c.answer(k, func(w io.Writer) {
		line(w, "name\t%s", k.Name)
		line(w, "opens\t%s", strings.TrimPrefix(rightsOf(k), "with the scopes "))
		line(w, "status\t%s", k.Status)
		line(w, "secret\tends in %s", k.Tail)
		if k.RatePerSecond != nil {
			line(w, "rate\t%s a second", count(*k.RatePerSecond))
		}
		if k.Burst != nil {
			line(w, "burst\t%s", count(*k.Burst))
		}
		if k.Replaces != nil {
			line(w, "replaces\t%s", *k.Replaces)
		}
		line(w, "made\t%s", k.CreatedAt.UTC().Format(time.RFC3339))
		line(w, "expires\t%s", when(k.ExpiresAt, "never"))
		if k.RevokedAt != nil {
			line(w, "revoked\t%s", when(k.RevokedAt, ""))
		}
		line(w, "last used\t%s", when(k.LastUsedAt, "never"))
		line(w, "key\t%s", k.ID)
	})
}

type keyRotateCmd struct {
	remote `embed:""`

	ID         string        `arg:"" name:"id" help:"The key's id, as in key_…; not its secret."`
	Overlap    time.Duration `name:"overlap" default:"24h" placeholder:"DURATION" help:"For how long the old key goes on, up to 720h (${default})."`
	ExpiresAt  *time.Time    `name:"expires-at" placeholder:"TIME" help:"The new key is good until then; it must be said where the old key expires."`
	Never      bool          `name:"never-expires" help:"The new key is good for ever, instead of --expires-at."`
	Force      bool          `name:"force" help:"Even where no key with the scope admin would last, as the new one ends soon."`
	SecretFile string        `name:"secret-file" placeholder:"PATH" help:"New file to write the secret to, which nobody else may read, instead of showing it."`
}

// Help is the long help.
func (*keyRotateCmd) Help() string {
	return `The new key may do what the old one may. Both are good for the overlap: time to hand the new secret out. A key that has leaked should be revoked at once instead.

Example:
  scrip key rotate key_01h455vb4pex5vsknk084sn02w --overlap 1h --secret-file ./till-4`
}

// Run rotates a key.
func (k *keyRotateCmd) Run(c *command) error {
	if k.Overlap < 0 || k.Overlap%time.Second != 0 {
		return usage("--overlap is %s: it must be whole seconds, from 0s", k.Overlap)
	}
	if k.Never && k.ExpiresAt != nil {
		return usage("give either --expires-at or --never-expires")
	}
	api, err := k.dialFor(k.ID)
	if err != nil {
		return err
	}
	seconds := int64(k.Overlap / time.Second)
	r := client.Rotation{OverlapSeconds: &seconds, Force: k.Force}
	switch {
	case k.Never:
		r.ExpiresAt = client.Remove[time.Time]()
	case k.ExpiresAt != nil:
		r.ExpiresAt = client.Set(*k.ExpiresAt)
	}
	keep, err := newSecretFile(k.SecretFile)
	if err != nil {
		return err
	}
	made, err := api.RotateKey(c.ctx, k.ID, r)
	if err != nil {
		return errors.Join(err, keep.abandon())
	}
	return c.madeKey(made, keep)
}

type keyRevokeCmd struct {
	remote `embed:""`

	ID    string `arg:"" name:"id" help:"The key's id, as in key_…; not its secret."`
	Force bool   `name:"force" help:"Even where no key with the scope admin would last."`
}

// Help is the long help.
func (*keyRevokeCmd) Help() string {
	return `The key is refused here with the next request, and on other replicas within a second. It can't be undone.

Example:
  scrip key revoke key_01h455vb4pex5vsknk084sn02w`
}

// Run revokes a key.
func (k *keyRevokeCmd) Run(c *command) error {
	api, err := k.dialFor(k.ID)
	if err != nil {
		return err
	}
	one, err := api.RevokeKey(c.ctx, k.ID, client.Revocation{Force: k.Force})
	if err != nil {
		return err
	}
	return c.key(one)
}
