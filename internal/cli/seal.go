package cli

import (
	"errors"
	"fmt"
	"io"
	"time"

	"scrip/client"
	"scrip/internal/app"
)

type sealCmd struct {
	Latest sealLatestCmd `cmd:"" help:"Show the newest seal, to be kept where the operator can't change it."`
	Check  sealCheckCmd  `cmd:"" help:"Hold a server to a seal that was kept earlier."`
}

type sealLatestCmd struct {
	remote `embed:""`
}

// Help is the long help.
func (*sealLatestCmd) Help() string {
	return `A seal commits to every transaction up to it. Keep its number and hash elsewhere: with them, scrip seal check and scrip verify --seal tell later whether anything up to it was changed.

Example:
  scrip seal latest
  scrip seal latest --json | jq -r '"\(.number):\(.hash)"' >> seals.txt`
}

// Run shows the newest seal.
func (k *sealLatestCmd) Run(c *command) error {
	api, err := k.dial()
	if err != nil {
		return err
	}
	s, err := api.LatestSeal(c.ctx)
	if err != nil {
		return err
	}
	return c.answer(s, func(w io.Writer) { describeSeal(w, s) })
}

func describeSeal(w io.Writer, s *client.Seal) {
	line(w, "%s", s.PublishedSeal())
	line(w, "%s, made at %s.", plural(s.Total, "transaction is", "transactions are")+" sealed", s.CreatedAt.UTC().Format(time.RFC3339))
}

type sealCheckCmd struct {
	remote `embed:""`

	Kept string `arg:"" name:"seal" placeholder:"NUMBER:HASH" help:"The seal that was kept, as scrip seal latest showed it."`
}

// Help is the long help.
func (*sealCheckCmd) Help() string {
	return `The seal must still be there, and every seal since must be what its hash says and name the one before. It asks the server for seals alone, so that a key with the scope read is enough. It exits with 1 if the chain is broken.

Example:
  scrip seal check 4711:681db68f712b56faea832cf7b24dec9adfdeba57dab9a96b73b45dc66e4c51eb`
}

// Run checks the chain from the kept seal to the newest.
func (k *sealCheckCmd) Run(c *command) error {
	kept, err := app.ParsePublishedSeal(k.Kept)
	if err != nil {
		return usageError{err}
	}
	api, err := k.dial()
	if err != nil {
		return err
	}
	out := struct {
		Unbroken bool         `json:"unbroken"`
		Newest   *client.Seal `json:"newest"`
		Broken   string       `json:"broken,omitempty"`
	}{Unbroken: true}
	out.Newest, err = api.CheckSeals(c.ctx, kept.Number, kept.Hash.String())
	if errors.Is(err, client.ErrSealBroken) {
		out.Unbroken, out.Broken = false, fmt.Sprint(err)
	} else if err != nil {
		return err
	}
	err = c.answer(out, func(w io.Writer) {
		if !out.Unbroken {
			line(w, "%s.", out.Broken)
			return
		}
		line(w, "The chain is unbroken from seal %d to seal %d.", kept.Number, out.Newest.Number)
		describeSeal(w, out.Newest)
	})
	if err == nil && !out.Unbroken {
		return errNo
	}
	return err
}
