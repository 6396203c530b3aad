package cli

import (
	"io"
	"time"

	"scrip/client"
)

type auditEventsCmd struct {
	List auditEventsListCmd `cmd:"" help:"List the changes, the newest first."`
}

type auditEventsListCmd struct {
	remote `embed:""`

	Target string `name:"target" placeholder:"ID" help:"Only changes of this campaign, voucher or key."`
	By     string `name:"by" placeholder:"KEY" help:"Only changes by the key with this id."`
	Action string `name:"action" placeholder:"NAME" help:"Only changes of this kind, as in key.revoke."`
	Limit  int    `name:"limit" default:"20" placeholder:"N" help:"At most so many, up to 100 (${default})."`
	After  string `name:"after" placeholder:"EVENT" help:"Only those older than the event with this id."`
}

// Help is the long help.
func (*auditEventsListCmd) Help() string {
	return `Who changed a campaign, a voucher or a key, when, and under which request. With --json each change has the object before and after it. At most one of --target, --by and --action.

Example:
  scrip audit-events list
  scrip audit-events list --action key.revoke
  scrip audit-events list --target cmp_01h455vb4pex5vsknk084sn02s --json`
}

// Run lists the changes.
func (k *auditEventsListCmd) Run(c *command) error {
	if err := checkLimit(k.Limit); err != nil {
		return err
	}
	api, err := k.dial()
	if err != nil {
		return err
	}
	list, err := api.AuditEvents(c.ctx, client.AuditQuery{
		Target: k.Target, Key: k.By, Action: k.Action, Page: client.Page{Limit: k.Limit, StartingAfter: k.After},
	})
	if err != nil {
		return err
	}
	return c.answer(list, func(w io.Writer) {
		if len(list.Data) == 0 {
			line(w, "There is no such change.")
			return
		}
		line(w, "AT\tWHAT\tTARGET\tBY\tREQUEST")
		for i := range list.Data {
			e := &list.Data[i]
			request := "none"
			if e.RequestID != nil {
				request = *e.RequestID
			}
			line(w, "%s\t%s\t%s\t%s\t%s", e.CreatedAt.UTC().Format(time.RFC3339), e.Action, e.Target, e.Actor.Name, request)
		}
		if list.HasMore {
			line(w, "There are more: scrip audit-events list%s --after %s", urlFlag(k.URL), list.Data[len(list.Data)-1].ID)
		}
	})
}
