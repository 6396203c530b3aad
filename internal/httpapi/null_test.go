package httpapi_test

import (
	"net/http"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/pb33f/libopenapi/datamodel/high/base"

	"scrip/internal/httpapi"

	v3 "github.com/pb33f/libopenapi/datamodel/high/v3"
)

// member is one member of a request's body: a body in which it is null and all around it is left out, and its name in a problem.
type member struct {
	body, field string
	nullable    bool
}

// members walks a schema. The items of a list are members as well.
func members(m *v3.Document, proxy *base.SchemaProxy, field string, around func(string) string) []member {
	if proxy.IsReference() { // one with a description of its own is not followed by Schema
		proxy = m.Components.Schemas.GetOrZero(path.Base(proxy.GetReference()))
	}
	s := proxy.Schema()
	var out []member
	if field != "" {
		out = append(out, member{around("null"), field, slices.Contains(s.Type, "null")})
	}
	for name, of := range s.Properties.FromOldest() {
		inner := name
		if field != "" {
			inner = field + "." + name
		}
		out = append(out, members(m, of, inner, func(v string) string { return around(`{"` + name + `":` + v + `}`) })...)
	}
	if s.Items != nil {
		out = append(out, members(m, s.Items.A, field+"[0]", func(v string) string { return around("[" + v + "]") })...)
	}
	return out
}

// Null is taken where the contract has it, and is anywhere else refused like any wrong type.
func TestNullIsWhereTheContractHasIt(t *testing.T) {
	t.Parallel()
	b, m := setup(t), model(t)
	seen := 0
	for _, rt := range httpapi.Routes() {
		if rt.BytesMax == 0 {
			continue
		}
		op := m.Paths.PathItems.GetOrZero(rt.Path).GetOperations().GetOrZero(strings.ToLower(rt.Method))
		schema := op.RequestBody.Content.GetOrZero("application/json").Schema
		for _, of := range members(m, schema, "", func(v string) string { return v }) {
			seen++
			r := b.do(rt.Method, somePath(rt.Path), of.body, asJSON)
			if r.status < 400 || r.status >= 500 {
				t.Errorf("%s %s %s: %d %s", rt.Method, rt.Path, of.body, r.status, r.body)
				continue
			}
			p := r.refused(t, r.status, problemCode([]byte(r.body)))
			ofType := p.Code == "invalid_request" && p.Field == of.field &&
				(strings.Contains(p.Detail, "must be") || strings.Contains(p.Detail, "can't be removed"))
			if ofType == of.nullable {
				t.Errorf("%s %s %s: null in the contract: %v, and the server says %s", rt.Method, rt.Path, of.body, of.nullable, r.body)
			}
		}
	}
	if seen < 50 {
		t.Errorf("only %d members", seen)
	}
}

// A batch with an item that is no object is refused as a whole, whatever else the item is.
func TestABatchOfNull(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.shared("salam", "", "")
	for _, item := range []string{"null", "5", `"salam"`, "[]"} {
		p := b.post("/v1/redemptions/batch", `{"redemptions":[{"code":"salam","customer":"ali"},`+item+`]}`).refused(t, http.StatusBadRequest, "invalid_request")
		if p.Field != "redemptions[1]" || !strings.Contains(p.Detail, "an object") {
			t.Errorf("%s: %+v", item, p)
		}
	}
	if n := b.winners(); n != 0 {
		t.Errorf("%d redemptions are in the store", n)
	}
}

// The word in a text is no null.
func TestTheWordNullIsAText(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.shared("null", "", "")
	b.post("/v1/redemptions", `{"code":"null","customer":"null","order":{"id":"null","amount":5,"currency":"IRR"}}`).took(t, http.StatusCreated)
}

// An order's id is counted in characters, by the server as by the contract.
func TestAnOrdersIDIsCountedInCharacters(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.shared("salam", "", "")
	id := strings.Repeat("ی", 128)
	b.post("/v1/redemptions", `{"code":"salam","customer":"ali","order":{"id":"`+id+`","amount":5,"currency":"IRR"}}`).took(t, http.StatusCreated)
}
