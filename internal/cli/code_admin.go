package cli

import (
	"context"
	"io"
	"strconv"
	"strings"

	"scrip/client"
)

type codeShowCmd struct {
	remote `embed:""`

	Code string `arg:"" help:"The code, as people type it."`
}

// Help is the long help.
func (*codeShowCmd) Help() string {
	return `Example:
  scrip code show salam`
}

// Run shows a code.
func (k *codeShowCmd) Run(c *command) error {
	api, err := k.dial()
	if err != nil {
		return err
	}
	v, err := api.LookupVoucher(c.ctx, k.Code)
	if err != nil {
		return err
	}
	return c.voucher(v)
}

type codeDisableCmd struct {
	remote `embed:""`

	Code string `arg:"" help:"The code, as people type it."`
}

// Help is the long help.
func (*codeDisableCmd) Help() string {
	return `Who has won it keeps it. The next request is refused, here at once and on other replicas within a second.

Example:
  scrip code disable salam`
}

// Run closes a code.
func (k *codeDisableCmd) Run(c *command) error {
	return c.change(&k.remote, k.Code, (*client.Client).DisableVoucher)
}

type codeEnableCmd struct {
	remote `embed:""`

	Code string `arg:"" help:"The code, as people type it."`
}

// Help is the long help.
func (*codeEnableCmd) Help() string {
	return `Example:
  scrip code enable salam`
}

// Run opens a code again.
func (k *codeEnableCmd) Run(c *command) error {
	return c.change(&k.remote, k.Code, (*client.Client).EnableVoucher)
}

// changeVoucher is a method of the SDK that changes a voucher by its id.
type changeVoucher func(*client.Client, context.Context, string, ...client.RequestOption) (*client.Voucher, error)

// change looks a code up, changes it and shows it changed.
func (c *command) change(r *remote, code string, do changeVoucher) error {
	api, err := r.dial()
	if err != nil {
		return err
	}
	v, err := api.LookupVoucher(c.ctx, code)
	if err != nil {
		return err
	}
	if v, err = do(api, c.ctx, v.ID); err != nil {
		return err
	}
	return c.voucher(v)
}

// voucher shows one code.
func (c *command) voucher(v *client.Voucher) error {
	return c.answer(v, func(w io.Writer) {
		line(w, "code\t%s", v.Code)
		line(w, "status\t%s", v.Status)
		line(w, "effect\t%s", effect(v.Effect))
		line(w, "limit\t%s", uses(v.Limit))
		line(w, "redeemed\t%s", count(v.Redeemed))
		if v.Remaining != nil {
			line(w, "remaining\t%s", count(*v.Remaining))
		}
		line(w, "per customer\t%s", count(v.PerCustomer))
		if v.Customer != nil {
			line(w, "only for\t%s", *v.Customer)
		}
		line(w, "voucher\t%s", v.ID)
		line(w, "campaign\t%s", v.Campaign)
	})
}

// effect shows what one use does.
func effect(e client.Effect) string {
	what := e.Kind + " of "
	if e.PercentBP == 0 {
		return what + amount(e.Amount, e.Currency)
	}
	what += group(trimZeros(e.PercentBP)) + "%"
	if e.MaxAmount != 0 {
		what += ", at most " + amount(e.MaxAmount, e.Currency)
	}
	return what
}

// trimZeros shows basis points as a percentage.
func trimZeros(bp int64) string {
	text := strconv.FormatInt(bp/100, 10)
	if rest := bp % 100; rest != 0 {
		text += "." + strings.TrimSuffix(strconv.FormatInt(rest/10, 10)+strconv.FormatInt(rest%10, 10), "0")
	}
	return text
}

type codeListCmd struct {
	remote `embed:""`

	Limit int    `name:"limit" default:"20" placeholder:"N" help:"At most so many, up to 100 (${default})."`
	After string `name:"after" placeholder:"VOUCHER" help:"Only those older than the voucher with this id."`
}

// Help is the long help.
func (*codeListCmd) Help() string {
	return `Example:
  scrip code list
  scrip code list --limit 100 --json`
}

// Run lists codes.
func (k *codeListCmd) Run(c *command) error {
	if err := checkLimit(k.Limit); err != nil {
		return err
	}
	api, err := k.dial()
	if err != nil {
		return err
	}
	list, err := api.Vouchers(c.ctx, client.VoucherQuery{Page: client.Page{Limit: k.Limit, StartingAfter: k.After}})
	if err != nil {
		return err
	}
	return c.answer(list, func(w io.Writer) {
		if len(list.Data) == 0 {
			line(w, "There is no code.")
			return
		}
		line(w, "CODE\tSTATUS\tEFFECT\tREDEEMED\tLIMIT\tVOUCHER")
		for i := range list.Data {
			v := &list.Data[i]
			limit := "none"
			if v.Limit != nil {
				limit = count(*v.Limit)
			}
			line(w, "%s\t%s\t%s\t%s\t%s\t%s", v.Code, v.Status, effect(v.Effect), count(v.Redeemed), limit, v.ID)
		}
		if list.HasMore {
			line(w, "There are more: scrip code list%s --after %s", urlFlag(k.URL), list.Data[len(list.Data)-1].ID)
		}
	})
}
