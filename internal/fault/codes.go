package fault

// The faults, each once. Their codes are public API (docs/errors.md lists them for callers); the
// messages may be improved at any time.
var (
	ErrInternal = &Error{Kind: Internal, Code: "internal", Message: "Something failed on our side. Nothing is lost; ask again, and report the request id if it goes on."}

	ErrInvalidRequest  = &Error{Kind: Invalid, Code: "invalid_request", Message: "The request is not valid."}
	ErrMalformedJSON   = &Error{Kind: Invalid, Code: "malformed_json", Message: "The body must be one JSON object in UTF-8, with every member named once."}
	ErrInvalidCode     = &Error{Kind: Invalid, Code: "invalid_code", Message: "A code has 1 to 64 letters and digits; hyphens and spaces between them are ignored.", Field: "code"}
	ErrInvalidCustomer = &Error{Kind: Invalid, Code: "invalid_customer", Message: "A customer has 1 to 128 printable characters.", Field: "customer"}
	ErrInvalidAmount   = &Error{Kind: Invalid, Code: "invalid_amount", Message: "An amount is a whole number of minor units, above zero and below 2^63.", Field: "amount"}
	ErrInvalidCurrency = &Error{Kind: Invalid, Code: "invalid_currency", Message: "A currency is an ISO 4217 code of three capital letters.", Field: "currency"}
	ErrInvalidLimit    = &Error{Kind: Invalid, Code: "invalid_limit", Message: "A limit is a whole number of at least 1 and below 2^63.", Field: "limit"}
	ErrLimitBelowUse   = &Error{Kind: Conflict, Code: "limit_below_redeemed", Message: "The limit can't be below what is already redeemed.", Field: "limit"}
	ErrInvalidWindow   = &Error{Kind: Invalid, Code: "invalid_window", Message: "A window must end after it starts.", Field: "ends_at"}
	ErrInvalidCursor   = &Error{Kind: Invalid, Code: "invalid_cursor", Message: "starting_after and ending_before take the id of an object in this list, and not both at once."}
	ErrInvalidID       = &Error{Kind: Invalid, Code: "invalid_id", Message: "That is not the id of such an object."}
	ErrInvalidKey      = &Error{Kind: Invalid, Code: "invalid_idempotency_key", Message: "An Idempotency-Key has 1 to 255 visible ASCII characters.", Field: "Idempotency-Key"}
	ErrKeyReused       = &Error{Kind: Conflict, Code: "idempotency_key_reused", Message: "This Idempotency-Key was used for another request. Use a new key for a new request.", Field: "Idempotency-Key"}
	ErrBodyTooLarge    = &Error{Kind: TooLarge, Code: "body_too_large", Message: "The body is larger than this route takes."}
	ErrMediaType       = &Error{Kind: Unsupported, Code: "unsupported_media_type", Message: "Send the body as application/json."}
	ErrMethod          = &Error{Kind: WrongMethod, Code: "method_not_allowed", Message: "This route does not take that method; the Allow header says which it takes."}
	ErrNoRoute         = &Error{Kind: NotFound, Code: "route_not_found", Message: "There is no such route; /openapi.yaml lists them."}

	ErrNotRedeemable    = &Error{Kind: NotFound, Code: "not_redeemable", Message: "This code can't be redeemed."}
	ErrVoucherNotFound  = &Error{Kind: NotFound, Code: "voucher_not_found", Message: "There is no such voucher."}
	ErrNotActive        = &Error{Kind: Refused, Code: "voucher_not_active", Message: "This code has not started yet."}
	ErrExpired          = &Error{Kind: Refused, Code: "voucher_expired", Message: "This code has ended."}
	ErrDisabled         = &Error{Kind: Refused, Code: "voucher_disabled", Message: "This code is disabled."}
	ErrAssigned         = &Error{Kind: Refused, Code: "voucher_assigned", Message: "This code is assigned to another customer."}
	ErrSoldOut          = &Error{Kind: Refused, Code: "quantity_exceeded", Message: "This code is sold out."}
	ErrBudgetExceeded   = &Error{Kind: Refused, Code: "budget_exceeded", Message: "This campaign's budget is used up."}
	ErrAlreadyRedeemed  = &Error{Kind: Refused, Code: "already_redeemed", Message: "You have already redeemed this code."}
	ErrCustomerLimit    = &Error{Kind: Refused, Code: "customer_limit_exceeded", Message: "You have reached this campaign's limit per customer."}
	ErrOrderRequired    = &Error{Kind: Refused, Code: "order_required", Message: "This code gives a discount; send the order it is for.", Field: "order"}
	ErrCurrencyMismatch = &Error{Kind: Refused, Code: "currency_mismatch", Message: "The order is in another currency than the campaign.", Field: "order.currency"}
	ErrNoEffect         = &Error{Kind: Refused, Code: "no_effect", Message: "This order is too small for this discount.", Field: "order.amount"}
	ErrBalanceOverflow  = &Error{Kind: Refused, Code: "balance_overflow", Message: "The wallet can't hold that much."}

	ErrRedemptionNotFound = &Error{Kind: NotFound, Code: "redemption_not_found", Message: "There is no such redemption."}
	ErrAlreadyRolledBack  = &Error{Kind: Refused, Code: "already_rolled_back", Message: "This redemption is already rolled back."}
	ErrInsufficientFunds  = &Error{Kind: Refused, Code: "insufficient_funds", Message: "The wallet's balance is too low for this."}

	ErrCampaignNotFound = &Error{Kind: NotFound, Code: "campaign_not_found", Message: "There is no such campaign."}
	ErrCodeTaken        = &Error{Kind: Conflict, Code: "code_taken", Message: "There is already a voucher with this code.", Field: "code"}

	ErrSealNotFound = &Error{Kind: NotFound, Code: "seal_not_found", Message: "There is no such seal."}

	ErrUnauthorized = &Error{Kind: Unauthorized, Code: "unauthorized", Message: "This needs a valid key; send it as Authorization: Bearer, followed by the key."}
	ErrForbidden    = &Error{Kind: Forbidden, Code: "insufficient_scope", Message: "This key may not do that."}
	ErrCrossOrigin  = &Error{Kind: Forbidden, Code: "cross_origin", Message: "This comes from a web page of another site, which may not call this route. Pages that may are named by --allow-origins."}
	ErrUnknownHost  = &Error{Kind: Forbidden, Code: "unknown_host", Message: "This server is not asked by that name. Ask it by its address or as localhost, or start it with --allowed-hosts and the name."}
	ErrKeyNotFound  = &Error{Kind: NotFound, Code: "key_not_found", Message: "There is no such key."}
	ErrKeyRevoked   = &Error{Kind: Conflict, Code: "key_revoked", Message: "This key is revoked, which is for ever; make a new one."}
	ErrLastAdminKey = &Error{Kind: Conflict, Code: "last_admin_key", Message: "No other key with the scope admin lasts; without one, keys can be made at the database alone. Make another first, or say force."}

	ErrRateLimited   = &Error{Kind: Limited, Code: "rate_limited", Message: "Too many requests; the RateLimit header says of what. Nothing was done; ask again after the time in Retry-After.", Retry: 1e9}
	ErrTooManyMisses = &Error{Kind: Limited, Code: "too_many_misses", Message: "Too many codes were tried that can't be redeemed. This one was not looked at; check it, and ask again after the time in Retry-After.", Retry: 1e9}

	ErrOverloaded       = &Error{Kind: Unavailable, Code: "overloaded", Message: "Too many requests are waiting. Nothing was done; ask again.", Retry: 1e9}
	ErrShuttingDown     = &Error{Kind: Unavailable, Code: "shutting_down", Message: "This server is stopping. Nothing was done; ask again.", Retry: 1e9}
	ErrStoreUnavailable = &Error{Kind: Unavailable, Code: "store_unavailable", Message: "The store can't be reached or can't write. Ask again with the same Idempotency-Key.", Retry: 1e9}
	ErrClientGone       = &Error{Kind: Unavailable, Code: "client_gone", Message: "The client hung up before this was started. Nothing was done; ask again.", Retry: 1e9}
	ErrTimeout          = &Error{Kind: Unavailable, Code: "timeout", Message: "No answer in time. What was asked may still happen; ask again with the same Idempotency-Key.", Retry: 1e9}
)

// All returns every fault, in the order of the documentation.
func All() []*Error {
	return []*Error{
		ErrInternal,
		ErrInvalidRequest, ErrMalformedJSON, ErrInvalidCode, ErrInvalidCustomer, ErrInvalidAmount,
		ErrInvalidCurrency, ErrInvalidLimit, ErrLimitBelowUse, ErrInvalidWindow, ErrInvalidCursor, ErrInvalidID,
		ErrInvalidKey, ErrKeyReused, ErrBodyTooLarge, ErrMediaType, ErrMethod, ErrNoRoute,
		ErrNotRedeemable, ErrVoucherNotFound, ErrNotActive, ErrExpired, ErrDisabled, ErrAssigned, ErrSoldOut,
		ErrBudgetExceeded, ErrAlreadyRedeemed, ErrCustomerLimit, ErrOrderRequired, ErrCurrencyMismatch, ErrNoEffect, ErrBalanceOverflow,
		ErrRedemptionNotFound, ErrAlreadyRolledBack, ErrInsufficientFunds,
		ErrCampaignNotFound, ErrCodeTaken,
		ErrSealNotFound,
		ErrUnauthorized, ErrForbidden, ErrCrossOrigin, ErrUnknownHost, ErrKeyNotFound, ErrKeyRevoked, ErrLastAdminKey,
		ErrRateLimited, ErrTooManyMisses,
		ErrOverloaded, ErrShuttingDown, ErrStoreUnavailable, ErrClientGone, ErrTimeout,
	}
}
