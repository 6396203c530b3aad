package httpapi_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/pb33f/libopenapi"
	"github.com/pb33f/libopenapi-validator/schema_validation"

	"scrip/api"
	"scrip/internal/fault"
	"scrip/internal/httpapi"

	v3 "github.com/pb33f/libopenapi/datamodel/high/v3"
)

func model(t *testing.T) *v3.Document {
	t.Helper()
	doc, err := libopenapi.NewDocument(api.OpenAPI)
	if err != nil {
		t.Fatal(err)
	}
	m, err := doc.BuildV3Model()
	if err != nil {
		t.Fatal(err)
	}
	return &m.Model
}

func TestContractIsOpenAPI(t *testing.T) {
	t.Parallel()
	v, err := contract()
	if err != nil {
		t.Fatal(err)
	}
	if ok, errs := v.ValidateDocument(); !ok {
		for _, e := range errs {
			t.Errorf("%v %v", e, e.SchemaValidationErrors)
		}
	}
}

// A route without a line in the contract, or a line without a route, is a defect.
func TestRoutesAndContractAgree(t *testing.T) {
	t.Parallel()
	var routes, lines []string
	for _, rt := range httpapi.Routes() {
		routes = append(routes, rt.Method+" "+rt.Path)
	}
	ids := map[string]bool{}
	for path, item := range model(t).Paths.PathItems.FromOldest() {
		for method, op := range item.GetOperations().FromOldest() {
			lines = append(lines, strings.ToUpper(method)+" "+path)
			if op.OperationId == "" || ids[op.OperationId] {
				t.Errorf("%s %s: the operationId %q is missing or there twice", method, path, op.OperationId)
			}
			ids[op.OperationId] = true
		}
	}
	slices.Sort(routes)
	slices.Sort(lines)
	for _, r := range routes {
		if !slices.Contains(lines, r) {
			t.Errorf("%s is a route, but not in api/openapi.yaml", r)
		}
	}
	for _, l := range lines {
		if !slices.Contains(routes, l) {
			t.Errorf("%s is in api/openapi.yaml, but no route", l)
		}
	}
}

// What a route does with a body is what the contract says.
func TestBodiesAndContractAgree(t *testing.T) {
	t.Parallel()
	m := model(t)
	for _, rt := range httpapi.Routes() {
		item := m.Paths.PathItems.GetOrZero(rt.Path)
		if item == nil {
			continue // the test above says so
		}
		op := item.GetOperations().GetOrZero(strings.ToLower(rt.Method))
		if takes := op.RequestBody != nil; takes != (rt.BytesMax > 0) {
			t.Errorf("%s %s: a body in the contract: %v, in the table: %v", rt.Method, rt.Path, takes, rt.BytesMax > 0)
			continue
		}
		if op.RequestBody != nil && (op.RequestBody.Content.GetOrZero("*/*") != nil) != rt.AnyType {
			t.Errorf("%s %s: any Content-Type is for the public routes", rt.Method, rt.Path)
		}
	}
}

// The contract has Request-Timeout on the operations that obey it. The others ignore it, whatever it says.
func TestTimeoutsAndContractAgree(t *testing.T) {
	t.Parallel()
	b, m := setup(t), model(t)
	for _, rt := range httpapi.Routes() {
		item := m.Paths.PathItems.GetOrZero(rt.Path)
		if item == nil {
			continue // a test above says so
		}
		has := slices.ContainsFunc(slices.Concat(item.Parameters, item.GetOperations().GetOrZero(strings.ToLower(rt.Method)).Parameters),
			func(p *v3.Parameter) bool { return p.Name == "Request-Timeout" })
		r := b.do(rt.Method, somePath(rt.Path), "", "Request-Timeout: soon")
		obeys := problemCode([]byte(r.body)) == "invalid_request" && strings.Contains(r.body, `"field":"Request-Timeout"`)
		if has == rt.Vital || obeys == rt.Vital {
			t.Errorf("%s %s: it waits for nothing: %v; in the contract: %v, obeyed: %v", rt.Method, rt.Path, rt.Vital, has, obeys)
		}
	}
}

// The codes of the domain, of the contract and of the SDK are the same.
func TestCodesAgree(t *testing.T) {
	t.Parallel()
	var codes []string
	for _, f := range fault.All() {
		codes = append(codes, string(f.Code))
	}
	slices.Sort(codes)
	var enum []string
	for _, node := range model(t).Components.Schemas.GetOrZero("ProblemCode").Schema().Enum {
		enum = append(enum, node.Value)
	}
	slices.Sort(enum)
	if sdk := sdkCodes(t); !slices.Equal(codes, enum) || !slices.Equal(codes, sdk) {
		t.Errorf("faults: %v\nOpenAPI: %v\nSDK: %v", missing(codes, enum, sdk), missing(enum, codes, sdk), missing(sdk, codes, enum))
	}
}

// missing is what a has and b or c has not.
func missing(a, b, c []string) []string {
	var out []string
	for _, s := range a {
		if !slices.Contains(b, s) || !slices.Contains(c, s) {
			out = append(out, s)
		}
	}
	return out
}

// sdkCodes reads the constants of client/codes.go.
func sdkCodes(t *testing.T) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../../client/codes.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	ast.Inspect(file, func(n ast.Node) bool {
		lit, ok := n.(*ast.BasicLit)
		if ok && lit.Kind == token.STRING {
			code, err := strconv.Unquote(lit.Value)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, code)
		}
		return true
	})
	slices.Sort(out)
	return out
}

// Every example is valid by its own schema.
func TestExamplesAreValid(t *testing.T) {
	t.Parallel()
	v := schema_validation.NewSchemaValidator()
	found := 0
	for name, proxy := range model(t).Components.Schemas.FromOldest() {
		schema := proxy.Schema()
		for _, example := range schema.Examples {
			found++
			var value any
			if err := example.Decode(&value); err != nil {
				t.Fatal(err)
			}
			if ok, errs := v.ValidateSchemaObject(schema, value); !ok {
				for _, e := range errs {
					t.Errorf("%s: %v %v", name, e, e.SchemaValidationErrors)
				}
			}
		}
	}
	if found < 20 {
		t.Errorf("only %d examples", found)
	}
}
