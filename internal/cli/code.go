package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
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
	Limit       int64      `name:"limit" placeholder:"N" help:"Uses in all."`
	Unlimited   bool       `name:"unlimited" help:"No limit of uses, instead of --limit."`
	PerCustomer int64      `name:"per-customer" default:"1" placeholder:"N" help:"Uses of one customer (${default})."`
	Currency    string     `name:"currency" env:"SCRIP_CURRENCY" default:"IRR" placeholder:"CODE" help:"ISO 4217 code of the credit (${default})."`
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
	if k.Code == "" && k.Credit == "" && k.Limit == 0 && !k.Unlimited {
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
	made, err := api.CreateCampaign(c.ctx, request)
	if err != nil {
		return err
	}
	if made.Voucher == nil {
		return errors.New("the server made the campaign, but shows no code")
	}
	return c.answer(made.Voucher, func(w io.Writer) {
		v := made.Voucher
		line(w, "Made the code %s: %s for each of %s.", v.Code, amount(v.Effect.Amount, v.Effect.Currency), uses(v.Limit))
		line(w, "voucher\t%s", v.ID)
		line(w, "campaign\t%s", v.Campaign)
	})
}

// ask asks a person for what the flags did not say. A script may answer through a pipe.
func (k *codeCreateCmd) ask(from io.Reader, to io.Writer) error {
	answers := bufio.NewReader(io.LimitReader(from, askMax))
	for _, q := range []struct {
		text string
		take func(string) error
	}{
		{"Code: ", func(s string) error { k.Code = s; return nil }},
		{"Credit in whole units of " + k.Currency + ": ", func(s string) error { k.Credit = s; return nil }},
		{"Count of uses: ", func(s string) (err error) {
			if k.Limit, err = strconv.ParseInt(s, 10, 64); err != nil {
				return usage("the count %.40q is not a whole number", s)
			}
			return nil
		}},
	} {
		_, _ = fmt.Fprint(to, q.text)
		text, err := answers.ReadString('\n')
		text = strings.TrimSpace(text)
		if text == "" {
			return usage("no answer to %q; or use --code, --credit and --limit", strings.TrimSuffix(q.text, ": "))
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return usage("read the answers: %w", err)
		}
		if err := q.take(text); err != nil {
			return err
		}
	}
	return nil
}

// askMax bounds the answers; the longest code has 256 bytes.
const askMax = 4 << 10

// request is what to ask the server for.
func (k *codeCreateCmd) request() (client.NewCampaign, error) {
	currency, err := money.ParseCurrency(k.Currency)
	if err != nil {
		return client.NewCampaign{}, usage("--currency is %.40q: it must be an active ISO 4217 code in capitals, such as IRR", k.Currency)
	}
	if k.Credit == "" {
		return client.NewCampaign{}, usage("--credit is missing: what does each use credit?")
	}
	minor, err := money.ParseDecimal(k.Credit, currency)
	if err != nil || minor <= 0 {
		return client.NewCampaign{}, usage("--credit is %.40q: it must be above zero, with at most %d digits after the point, and fit", k.Credit, currency.Exponent())
	}
	if (k.Limit == 0) != k.Unlimited || k.Limit < 0 {
		return client.NewCampaign{}, usage("give either --limit, of at least 1, or --unlimited")
	}
	if k.PerCustomer < 1 {
		return client.NewCampaign{}, usage("--per-customer is %d: it must be at least 1", k.PerCustomer)
	}
	first := &client.NewCampaignVoucher{Code: k.Code, PerCustomer: k.PerCustomer}
	if k.Limit > 0 {
		first.Limit = &k.Limit
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
		Currency: string(currency),
		Effect:   client.Effect{Kind: client.EffectCredit, Amount: minor},
		StartsAt: k.StartsAt,
		EndsAt:   k.EndsAt,
		Voucher:  first,
	}, nil
}

// uses shows a limit.
func uses(limit *int64) string {
	if limit == nil {
		return "any number of uses"
	}
	return plural(*limit, "use", "uses")
}
