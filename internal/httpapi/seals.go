package httpapi

import (
	"strconv"

	"scrip/internal/fault"
	"scrip/internal/seal"
)

func (s *server) latestSeal(x *exchange) error {
	if _, err := x.query(); err != nil {
		return err
	}
	ctx, cancel := x.reading()
	defer cancel()
	found, err := s.svc.Seals.Latest(ctx)
	if err != nil {
		return err
	}
	x.out = appendSeal(x.out, found)
	return nil
}

func (s *server) getSeal(x *exchange) error {
	if _, err := x.query(); err != nil {
		return err
	}
	number, ok := sealNumber(x.r.PathValue("seal"))
	if !ok {
		return fault.ErrSealNotFound
	}
	ctx, cancel := x.reading()
	defer cancel()
	found, err := s.svc.Seals.At(ctx, number)
	if err != nil {
		return err
	}
	x.out = appendSeal(x.out, found)
	return nil
}

func (s *server) listSeals(x *exchange) error {
	page, err := x.sealPage()
	if err != nil {
		return err
	}
	ctx, cancel := x.reading()
	defer cancel()
	seals, more, err := s.svc.Seals.List(ctx, page)
	if err != nil {
		return err
	}
	x.out = appendList(x.out, seals, more, appendSeal)
	return nil
}

// sealPage reads the parameters of the list, whose cursors are numbers.
func (x *exchange) sealPage() (seal.Page, error) {
	q, err := x.query("limit", "starting_after", "ending_before")
	if err != nil {
		return seal.Page{}, err
	}
	p := seal.Page{Limit: pageLimitDefault}
	if text, ok := q.get("limit"); ok {
		p.Limit, err = strconv.Atoi(text)
		if err != nil || p.Limit < 1 || p.Limit > seal.PageLimitMax {
			return p, fault.ErrInvalidRequest.Says("A page has 1 to 100 objects.").On("limit")
		}
	}
	for name, cursor := range map[string]*int64{"starting_after": &p.After, "ending_before": &p.Before} {
		text, there := q.get(name)
		if !there {
			continue
		}
		number, ok := sealNumber(text)
		if !ok {
			return p, fault.ErrInvalidCursor.Says("starting_after and ending_before take the number of a seal.").On(name)
		}
		*cursor = number
	}
	if p.After != 0 && p.Before != 0 {
		return p, fault.ErrInvalidCursor
	}
	return p, nil
}

// sealNumber reads the one spelling of a seal's number.
func sealNumber(text string) (int64, bool) {
	n, err := strconv.ParseInt(text, 10, 64)
	return n, err == nil && n > 0 && strconv.FormatInt(n, 10) == text
}

func appendSeal(dst []byte, s *seal.Seal) []byte {
	dst = append(dst, `{"object":"seal","number":`...)
	dst = appendInt(dst, s.Number)
	dst = append(dst, `,"hash":"`...)
	dst = append(dst, s.Hash.String()...)
	dst = append(dst, `","previous":"`...)
	dst = append(dst, s.Previous.String()...)
	dst = append(dst, `","root":"`...)
	dst = append(dst, s.Root.String()...)
	dst = append(dst, `","members":"`...)
	dst = append(dst, s.MembersHash.String()...)
	dst = append(dst, `","count":`...)
	dst = appendInt(dst, s.Count)
	dst = append(dst, `,"total":`...)
	dst = appendInt(dst, s.Total)
	dst = append(dst, `,"created_at":`...)
	dst = appendTime(dst, s.At)
	return append(dst, '}')
}
