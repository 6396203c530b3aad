package store

import (
	"bytes"
	"errors"
	"fmt"
)

// CheckThere compares records, which are in order, with what a store tells of the places where they belong: the
// first that is not there, or there with other contents, is the error. It is for an importer that found
// something in a record's way. The function is an Exporter's, for what the import sees.
func CheckThere(records []Record, export func(after Place, yield func(Record) error) error) error {
	if len(records) == 0 {
		return nil
	}
	left := records
	err := export(records[0].Place().Before(), func(there Record) error {
		if len(left) == 0 {
			return errSeen
		}
		switch order := there.Place().Compare(left[0].Place()); {
		case order < 0:
			return nil
		case order > 0:
			return missing(left[0])
		case !bytes.Equal(there.Append(nil), left[0].Append(nil)):
			return fmt.Errorf("%s is there already, with other contents", left[0])
		}
		left = left[1:]
		return nil
	})
	switch {
	case errors.Is(err, errSeen):
		return nil
	case err == nil && len(left) > 0:
		return missing(left[0])
	default:
		return err
	}
}

// errSeen ends an export that has told enough.
var errSeen = errors.New("store: all of them are there")

// missing is a record that was refused although its place is free.
func missing(r Record) error {
	return fmt.Errorf("%s can't be added: something else has its code, its id or its claim", r)
}
