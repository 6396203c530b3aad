package cli

import (
	"context"
	"errors"
	"io"
	"time"

	"scrip/client"
	"scrip/internal/money"
)

type codeCmd struct {
	Create  codeCreateCmd  `cmd:"" help:"Make a code, with a campaign of its own."`
	Show    codeShowCmd    `cmd:"" help:"Show how a code stands."`
	List    codeListCmd    `cmd:"" help:"List the codes, the newest first."`
	Disable codeDisableCmd `cmd:"" help:"Close a code until it is enabled."`
	Enable  codeEnableCmd  `cmd:"" help:"Open a disabled code again."`
}

type codeCreateCmd struct {
	remote `embed:""`

	Code        string     `name:"code" placeholder:"NAME" help:"The code, as people will type it; left out, the server makes one."`
	Credit      string     `name:"credit" placeholder:"AMOUNT" help:"What each use credits, in whole units of the currency, as in 1000000 or 12.50."`
	Limit       *int64     `name:"limit" placeholder:"N" help:"Uses in all."`
	Unlimited   bool       `name:"unlimited" help:"No limit of uses, instead of --limit."`
	PerCustomer int64      `name:"per-customer" default:"1" placeholder:"N" help:"Uses of one customer (${default})."`
	Currency    string     `name:"currency" env:"SCRIP_CURRENCY" placeholder:"CODE" help:"ISO 4217 code of the credit; left out, the server's."`
	StartsAt    *time.Time `name:"starts-at" placeholder:"TIME" help:"Not before, as in 2026-03-20T20:00:00+03:30."`
	EndsAt      *time.Time `name:"ends-at" placeholder:"TIME" help:"Not from then on."`
	Name        string     `name:"name" placeholder:"TEXT" help:"The campaign's name; left out, the code."`
}

// Help is the long help.
func (*codeCreateCmd) Help() string {
	return `Without --code, --credit and --limit it asks for them.

Example:
  scrip code create --code salam --credit 1000000 --limit 2000
  scrip code create --code nowruz --credit 12.50 --currency EUR --limit 100 --starts-at 2026-03-20T14:46:00Z
  printf 'salam\n1000000\n2000\n' | scrip code create`
}

// Run makes the code.
func (k *codeCreateCmd) Run(c *command) error {
	if k.Code == "" && k.Credit == "" && k.Limit == nil && !k.Unlimited {
		prompts := io.Discard // a script needs no questions
		if isTerminal(c.Stdin) {
			prompts = c.Stderr
		}
		if err := k.ask(c.Stdin, prompts); err != nil {
			return err
		}
	}
	request, err := k.request()
	if err != nil {
		return err
	}
	api, err := k.dial()
	if err != nil {
		return err
	}
	v, err := k.make(c.ctx, api, request)
	if err != nil {
		return err
	}
	return c.answer(v, func(w io.Writer) {
		line(w, "Made the code %s: %s for each of %s.", v.Code, amount(v.Effect.Amount, v.Effect.Currency), uses(v.Limit))
		line(w, "voucher\t%s", v.ID)
		line(w, "campaign\t%s", v.Campaign)
	})
}

// make makes the campaign and its code, by one request where the currency is known. Where it is left out, the server
// alone knows it, and an amount in minor units may turn out to be read wrongly. Then the campaign is made without a code, so
// that nobody can redeem it, and gets its code when the answer has shown the currency.
func (k *codeCreateCmd) make(ctx context.Context, api *client.Client, n client.NewCampaign) (*client.Voucher, error) {
	oneRequest := n.Currency != ""
	if !oneRequest && k.Code != "" { // what is wrong with the code should show before anything is made
		_, err := api.LookupVoucher(ctx, k.Code)
		if err != nil && client.CodeOf(err) != client.CodeVoucherNotFound {
			return nil, err
		}
		oneRequest = err == nil // the code is there: the server refuses, in its own words
	}
	first := n.Voucher
	if !oneRequest {
		n.Voucher = nil
	}
	made, err := api.CreateCampaign(ctx, n)
	if err != nil {
		return nil, err
	}
	if oneRequest {
		if made.Voucher == nil {
			return nil, errors.New("the server made the campaign, but shows no code")
		}
		return made.Voucher, nil
	}
	if digits := money.Currency(made.Currency).Exponent(); digits != supposed.Exponent() {
		_, err := api.DisableCampaign(ctx, made.ID) // it has no code, so that this is for tidiness alone
		return nil, errors.Join(usage("this server's currency is %[1]s, whose amounts have %[2]d digits after the point: give --currency %[1]s; no code was made",
			made.Currency, digits), err)
	}
	return api.CreateCampaignVoucher(ctx, made.ID, *first)
}

// supposed is how an amount is read where no currency is named: with two digits after the point, as in IRR and nearly
// all others.
const supposed = money.Currency("IRR")

// request is what to ask the server for.
func (k *codeCreateCmd) request() (client.NewCampaign, error) {
	minor, err := k.credit()
	if err != nil {
		return client.NewCampaign{}, err
	}
	if (k.Limit == nil) != k.Unlimited || k.Limit != nil && *k.Limit < 1 {
		return client.NewCampaign{}, usage("give either --limit, of at least 1, or --unlimited")
	}
	if k.PerCustomer < 1 {
		return client.NewCampaign{}, usage("--per-customer is %d: it must be at least 1", k.PerCustomer)
	}
	name := k.Name
	if name == "" {
		name = k.Code
	}
	if name == "" {
		name = "Code of " + time.Now().UTC().Format(time.DateTime)
	}
	return client.NewCampaign{
		Name:     name,
		Currency: k.Currency,
		Effect:   client.Effect{Kind: client.EffectCredit, Amount: minor},
		StartsAt: k.StartsAt,
		EndsAt:   k.EndsAt,
		Voucher:  &client.NewCampaignVoucher{Code: k.Code, Limit: k.Limit, PerCustomer: k.PerCustomer},
	}, nil
}

// credit is --credit in minor units.
func (k *codeCreateCmd) credit() (minor int64, err error) {
	currency := supposed
	if k.Currency != "" {
		if currency, err = money.ParseCurrency(k.Currency); err != nil {
			return 0, usage("--currency (SCRIP_CURRENCY) is %.40q: it must be an active ISO 4217 code in capitals, such as IRR", k.Currency)
		}
	}
	if k.Credit == "" {
		return 0, usage("--credit is missing: what does each use credit?")
	}
	if minor, err = money.ParseDecimal(k.Credit, currency); err != nil || minor <= 0 {
		hint := ""
		if k.Currency == "" {
			hint = "; where the currency has more digits, give --currency"
		}
		return 0, usage("--credit is %.40q: it must be above zero, with at most %d digits after the point, and fit%s", k.Credit, currency.Exponent(), hint)
	}
	return minor, nil
}

// uses shows a limit.
func uses(limit *int64) string {
	if limit == nil {
		return "any number of uses"
	}
	return plural(*limit, "use", "uses")
}
