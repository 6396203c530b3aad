package httpapi_test

import (
	"encoding/json"
	"path"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pb33f/libopenapi/datamodel/high/base"

	"scrip/client"

	v3 "github.com/pb33f/libopenapi/datamodel/high/v3"
)

// The SDK's types have the members that the contract gives them, of the same kind.
func TestClientTypesAgree(t *testing.T) {
	t.Parallel()
	m := model(t)
	for name, value := range map[string]any{
		"Problem": client.Error{}, "Redemption": client.Redemption{}, "RedemptionList": client.List[client.Redemption]{},
		"RedeemRequest": client.RedeemRequest{}, "Order": client.Order{}, "GivenEffect": client.GivenEffect{}, "Money": client.Money{},
		"BatchItem": client.BatchItem{}, "BatchVerdict": client.BatchVerdict{}, "Rollback": client.Rollback{}, "Validation": client.Validation{},
		"CampaignRequest": client.NewCampaign{}, "CampaignVoucherRequest": client.NewCampaignVoucher{}, "VoucherRequest": client.NewVoucher{},
		"Campaign": client.Campaign{}, "CampaignList": client.List[client.Campaign]{}, "CampaignPatch": client.CampaignChange{},
		"CampaignSummary": client.Summary{}, "BudgetLeft": client.Left{}, "Budget": client.Budget{}, "BudgetRequest": client.BudgetChange{},
		"Effect": client.Effect{}, "Voucher": client.Voucher{}, "VoucherList": client.List[client.Voucher]{}, "VoucherPatch": client.VoucherChange{},
		"Wallet": client.Wallet{}, "Account": client.Account{}, "Transaction": client.Transaction{}, "TransactionList": client.List[client.Transaction]{},
		"Key": client.Key{}, "MadeKey": client.MadeKey{}, "KeyList": client.List[client.Key]{}, "KeyRequest": client.NewKey{}, "KeyPatch": client.KeyChange{},
		"RotateRequest": client.Rotation{}, "RevokeRequest": client.Revocation{},
		"AuditEvent": client.AuditEvent{}, "AuditEventList": client.List[client.AuditEvent]{},
		"MobileBalance": client.MobileBalance{}, "CodeReport": client.CodeReport{}, "Status": client.Status{},
	} {
		proxy := m.Components.Schemas.GetOrZero(name)
		if proxy == nil {
			t.Errorf("there is no schema %s", name)
			continue
		}
		compare(t, m, name, proxy.Schema(), reflect.TypeOf(value))
	}
}

func compare(t *testing.T, m *v3.Document, name string, schema *base.Schema, typ reflect.Type) {
	t.Helper()
	members := map[string]reflect.StructField{}
	for _, f := range reflect.VisibleFields(typ) {
		tag, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if tag != "" && tag != "-" {
			members[tag] = f
		}
	}
	for property, proxy := range schema.Properties.FromOldest() {
		f, ok := members[property]
		if !ok {
			t.Errorf("%s: client.%s has no member for %q", name, typ.Name(), property)
			continue
		}
		delete(members, property)
		p := proxy.Schema()
		if proxy.IsReference() { // one with a description of its own is not followed by Schema
			p = m.Components.Schemas.GetOrZero(path.Base(proxy.GetReference())).Schema()
		}
		if kind := kindOf(f.Type); !slices.Contains(types(p), kind) {
			t.Errorf("%s.%s: the contract says %v, the SDK %s", name, property, types(p), kind)
		}
		omits := strings.Contains(f.Tag.Get("json"), "omit")
		// client.Effect is for requests too, where the currency is the campaign's.
		if slices.Contains(schema.Required, property) && omits && name+"."+property != "Effect.currency" {
			t.Errorf("%s.%s is required, but the SDK may leave it out", name, property)
		}
		if slices.Contains(p.Type, "null") && slices.Contains(schema.Required, property) && f.Type.Kind() != reflect.Pointer && f.Type != reflect.TypeFor[json.RawMessage]() {
			t.Errorf("%s.%s may be null, but is no pointer in the SDK", name, property)
		}
	}
	for member := range members {
		t.Errorf("%s: the contract has no %q", name, member)
	}
}

func types(s *base.Schema) []string {
	if s.Format == "date-time" {
		return []string{"date-time"}
	}
	return s.Type
}

func kindOf(t reflect.Type) string {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if strings.HasPrefix(t.Name(), "Optional[") {
		m, _ := t.FieldByName("value")
		return kindOf(m.Type)
	}
	switch {
	case t == reflect.TypeFor[time.Time]():
		return "date-time"
	case t == reflect.TypeFor[json.Number]():
		return "number"
	case t == reflect.TypeFor[json.RawMessage](): // of an object, as it is
		return "object"
	}
	switch t.Kind() {
	case reflect.String:
		return "string"
	case reflect.Int, reflect.Int64:
		return "integer"
	case reflect.Bool:
		return "boolean"
	case reflect.Slice:
		return "array"
	case reflect.Struct:
		return "object"
	default:
		return t.String()
	}
}
