package client

import (
	"context"
	"encoding/json"
	"iter"
	"time"
)

// AuditEvent is one administrative change, written together with the change itself.
type AuditEvent struct {
	ID        string          `json:"id"`
	Object    string          `json:"object"`
	Action    string          `json:"action"` // as in "campaign.create" or "key.revoke"
	Target    string          `json:"target"` // the id of what was changed
	Actor     Actor           `json:"actor"`
	RequestID *string         `json:"request_id"` // nil where there was no request
	Before    json.RawMessage `json:"before"`     // the object as it was; null where it was made
	After     json.RawMessage `json:"after"`      // the object as it is since
	CreatedAt time.Time       `json:"created_at"`
}

// Actor is who made a change.
type Actor struct {
	Key *string `json:"key"` // nil where no key identified the caller
	// Name is the key's; without a key, "open", "cli" or "server".
	Name string `json:"name"`
}

// AuditQuery asks for a page of events, newest first: all, or those of one target, by one key or of one
// action. At most one of the three may be set.
type AuditQuery struct {
	Target string
	Key    string
	Action string
	Page
}

// AuditEvents returns a page.
func (c *Client) AuditEvents(ctx context.Context, q AuditQuery, o ...RequestOption) (*List[AuditEvent], error) {
	v := q.values()
	setIf(v, "target", q.Target)
	setIf(v, "key", q.Key)
	setIf(v, "action", q.Action)
	out := &List[AuditEvent]{}
	_, err := c.into(ctx, get("/v1/audit-events", v), o, out)
	return orNil(out, err)
}

// AllAuditEvents walks over all pages from q on.
func (c *Client) AllAuditEvents(ctx context.Context, q AuditQuery) iter.Seq2[AuditEvent, error] {
	return walk(q.Page, func(p Page) (*List[AuditEvent], error) {
		q.Page = p
		return c.AuditEvents(ctx, q)
	}, func(e *AuditEvent) string { return e.ID })
}
