package storetest

import (
	"fmt"
	"reflect"
	"time"

	"scrip/internal/fault"
	"scrip/internal/id"
)

// differences are the places where got is not want: faults are compared by code, times by their moment
// and zone, and an empty slice equals none.
func differences(got, want any) []string {
	return differ("", reflect.ValueOf(got), reflect.ValueOf(want))
}

func differ(path string, got, want reflect.Value) []string {
	if !got.IsValid() || !want.IsValid() || got.Type() != want.Type() {
		if got.IsValid() == want.IsValid() && !got.IsValid() {
			return nil
		}
		return []string{fmt.Sprintf("%s: got %v, want %v", path, got, want)}
	}
	switch w := want.Interface().(type) {
	case time.Time:
		if g, ok := reflect.TypeAssert[time.Time](got); !ok || !g.Equal(w) || g.Location().String() != w.Location().String() {
			return []string{fmt.Sprintf("%s: got %v, want %v", path, got, want)}
		}
		return nil
	case id.ID:
		if g, ok := reflect.TypeAssert[id.ID](got); !ok || g != w {
			return []string{fmt.Sprintf("%s: got %x, want %x", path, got.Interface(), w)}
		}
		return nil
	case *fault.Error:
		if g, ok := reflect.TypeAssert[*fault.Error](got); !ok || codeOf(g) != codeOf(w) {
			return []string{fmt.Sprintf("%s: got %q, want %q", path, codeOf(g), codeOf(w))}
		}
		return nil
	}
	var found []string
	switch want.Kind() {
	case reflect.Pointer:
		if got.IsNil() || want.IsNil() {
			if got.IsNil() != want.IsNil() {
				return []string{fmt.Sprintf("%s: got %s, want %s", path, shown(got), shown(want))}
			}
			return nil
		}
		return differ(path, got.Elem(), want.Elem())
	case reflect.Struct:
		for i := range want.NumField() {
			found = append(found, differ(path+"."+want.Type().Field(i).Name, got.Field(i), want.Field(i))...)
		}
		return found
	case reflect.Slice:
		if got.Len() != want.Len() {
			return []string{fmt.Sprintf("%s: got %d of them, want %d", path, got.Len(), want.Len())}
		}
		for i := range want.Len() {
			found = append(found, differ(fmt.Sprintf("%s[%d]", path, i), got.Index(i), want.Index(i))...)
		}
		return found
	default:
		if !reflect.DeepEqual(got.Interface(), want.Interface()) {
			return []string{fmt.Sprintf("%s: got %v, want %v", path, got, want)}
		}
		return nil
	}
}

func codeOf(e *fault.Error) fault.Code {
	if e == nil {
		return ""
	}
	return e.Code
}

func shown(v reflect.Value) string {
	if v.IsNil() {
		return "none"
	}
	return fmt.Sprintf("%+v", v.Elem().Interface())
}
