package gatemodel

// status is what holds for everybody who has not won.
func (s *Store) status() Status {
	switch {
	case s.Disabled:
		return Disabled
	case s.StartIn > 0:
		return NotStarted
	case s.redeemed() >= s.Limit:
		return SoldOut
	default:
		return Open
	}
}

func (s *Store) redeemed() uint8 {
	n := uint8(0)
	for _, c := range s.Customers {
		if c.Claim == Standing {
			n++
		}
	}
	return n
}

// refusal is the status with which a customer is refused, Open for none. A winner is told of the receipt, which is
// no refusal of the gate's.
func (s *Store) refusal(c int) Status {
	if s.Customers[c].Claim == Standing {
		return Open
	}
	return s.status()
}

// fact is what the store says now.
func (s *Store) fact() Fact {
	fresh := int8(FreshFor)
	if s.status() == NotStarted {
		fresh = min(fresh, s.StartIn)
	}
	return Fact{Status: s.status(), Campaign: s.Campaign, Voucher: s.Voucher, Left: s.Limit - s.redeemed(), Fresh: fresh}
}

// winners is the set of those who ever won.
func (s *Store) winners() uint8 {
	set := uint8(0)
	for c, of := range s.Customers {
		if of.Claim != Never {
			set |= 1 << c
		}
	}
	return set
}

// apply is one transaction: the store judges a question and does what it asks for, if it may.
func (m *Model) apply(s *Store, e Effect, c int) {
	who := &s.Customers[c]
	switch e {
	case Redeem:
		if s.refusal(c) != Open || s.status() != Open || who.Claim == Standing {
			return
		}
		if who.Claim == Never {
			who.Won = s.Campaign + s.Voucher
		}
		who.Claim = Standing
	case Rollback:
		if who.Claim == Standing {
			who.Claim = Reversed
			if m.Mutant != RollbackKeepsVersion {
				s.Voucher++
			}
		}
	case Raise:
		s.Limit++
		s.Voucher++
	case Toggle:
		s.Disabled = !s.Disabled
		s.Campaign++
	case Idle, Look:
	}
}
