package httpapi

import "scrip/internal/access"

// by is who makes the change that x asks for, for the audit trail.
func (x *exchange) by() access.By {
	return access.By{Key: x.caller.Key, Name: x.caller.Name, RequestID: x.requestID}
}
