package store

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"scrip/internal/access"
	"scrip/internal/id"
	"scrip/internal/voucher"
)

// The events of each change, made here for every driver, so that all of them keep the same text.

// eventVouchersMax bounds the vouchers of one creation that have an event each. A creation may have a hundred
// thousand of them; the rest share one event that counts them.
const eventVouchersMax = 100

// CreationEvents are the events of a creation as it was made: of its campaign if that is new, of each of its first
// vouchers, and one that counts the rest. Their ids rise in the order of the slice. The time is the store's.
func CreationEvents(made Creation, newCampaign bool, by access.By, at time.Time) ([]Event, error) {
	var t telling
	if newCampaign {
		t.tell(CampaignCreated, id.Campaign, made.Campaign.ID, nil, campaignText(made.Campaign))
	}
	for i := range made.Vouchers[:min(len(made.Vouchers), eventVouchersMax)] {
		v := &made.Vouchers[i]
		t.tell(VoucherCreated, id.Voucher, v.ID, nil, voucherText(v))
	}
	if more := len(made.Vouchers) - eventVouchersMax; more > 0 {
		of := made.Vouchers[0].CampaignID
		t.tell(VoucherCreated, id.Campaign, of, nil, moreVouchers{Object: "campaign", ID: of.Format(id.Campaign), More: more})
	}
	return t.events(by, at)
}

// CampaignEvents are the events of a campaign's amendment.
func CampaignEvents(before, after *voucher.Campaign, by access.By) ([]Event, error) {
	var t telling
	t.tell(CampaignAmended, id.Campaign, after.ID, campaignText(before), campaignText(after))
	return t.events(by, after.UpdatedAt)
}

// VoucherEvents are the events of a voucher's amendment.
func VoucherEvents(before, after *voucher.Voucher, by access.By) ([]Event, error) {
	var t telling
	t.tell(VoucherAmended, id.Voucher, after.ID, voucherText(before), voucherText(after))
	return t.events(by, after.UpdatedAt)
}

// KeyCreationEvents are the events of a new key.
func KeyCreationEvents(made *access.Key, by access.By) ([]Event, error) {
	var t telling
	t.tell(KeyCreated, id.Key, made.ID, nil, keyText(made))
	return t.events(by, made.CreatedAt)
}

// KeyRotationEvents are the events of a rotation: of the key that was replaced, and of the one that replaces it.
func KeyRotationEvents(before, replaced, made *access.Key, by access.By) ([]Event, error) {
	var t telling
	t.tell(KeyRotated, id.Key, replaced.ID, keyText(before), keyText(replaced))
	t.tell(KeyRotated, id.Key, made.ID, nil, keyText(made))
	return t.events(by, made.CreatedAt)
}

// KeyEvents are the events of a key's amendment: of its revocation, where it was not revoked before. The time is
// the store's.
func KeyEvents(before, after *access.Key, by access.By, at time.Time) ([]Event, error) {
	action := KeyAmended
	if before.RevokedAt.IsZero() && !after.RevokedAt.IsZero() {
		action = KeyRevoked
	}
	var t telling
	t.tell(action, id.Key, after.ID, keyText(before), keyText(after))
	return t.events(by, at)
}

// telling is what one change has to tell.
type telling struct {
	told []Event
	err  error
}

// tell adds an event; before is nil where the object is new.
func (t *telling) tell(action Action, prefix string, object id.ID, before, after any) {
	e := Event{Action: action, Object: object.Format(prefix)}
	for _, side := range []struct {
		value any
		text  *string
	}{{before, &e.Before}, {after, &e.After}} {
		if side.value == nil || t.err != nil {
			continue
		}
		if *side.text, t.err = jsonOf(side.value); t.err != nil {
			t.err = fmt.Errorf("tell what became of %s: %w", e.Object, t.err)
		}
	}
	t.told = append(t.told, e)
}

// events are what was told, with who, when and ids that rise.
func (t *telling) events(by access.By, at time.Time) ([]Event, error) {
	if t.err != nil {
		return nil, t.err
	}
	by.Name, by.RequestID = kept(by.Name), kept(by.RequestID)
	ids := make([]id.ID, len(t.told))
	for i := range ids {
		ids[i] = eventID(at)
	}
	slices.SortFunc(ids, func(a, b id.ID) int { return bytes.Compare(a[:], b[:]) })
	for i := range t.told {
		t.told[i].ID, t.told[i].At, t.told[i].By = ids[i], at, by
	}
	return t.told, nil
}

// eventID is a fresh id that carries the microsecond, not the millisecond alone (RFC 9562, section 6.2, method 3), so that
// the trail runs in the order in which a store changed an object.
func eventID(at time.Time) id.ID {
	i := id.New(at)
	fraction := at.Nanosecond() / 1000 % 1000 << 12 / 1000 // of the millisecond, in 4,096ths
	i[6], i[7] = 0x70|byte(fraction>>8), byte(fraction)    //nolint:gosec // 12 bits
	return i
}

// kept is s as every store can keep it: a change is not refused for the name of who asked for it.
func kept(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

// jsonOf is a value as JSON on one line, with <, > and & as they are.
func jsonOf(value any) (string, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(value); err != nil {
		return "", err
	}
	return strings.TrimSuffix(b.String(), "\n"), nil
}
