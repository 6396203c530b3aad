package redemption

import "scrip/internal/store"

// The contract's words for lists, so that the edges need not see the store.
type (
	// Page asks for a part of a list.
	Page = store.Page
	// Filter narrows a list of redemptions.
	Filter = store.RedemptionFilter
)

// PageLimitMax bounds a page.
const PageLimitMax = store.PageLimitMax
