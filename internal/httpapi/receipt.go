package httpapi

import (
	"strconv"

	"scrip/internal/fault"
	"scrip/internal/id"
	"scrip/internal/money"
	"scrip/internal/redemption"
	"scrip/internal/voucher"
)

// view says how a redemption is shown.
type view bool

const (
	asItWas view = false // at its creation, so that a replay is the first answer byte for byte
	asItIs  view = true
)

func appendRedemption(dst []byte, r *voucher.Redemption, v view) []byte {
	rolledBack := v == asItIs && !r.RolledBackAt.IsZero()
	dst = append(dst, `{"id":`...)
	dst = appendID(dst, id.Redemption, r.ID)
	dst = append(dst, `,"object":"redemption","status":`...)
	if rolledBack {
		dst = append(dst, `"rolled_back","voucher":`...)
	} else {
		dst = append(dst, `"redeemed","voucher":`...)
	}
	dst = appendID(dst, id.Voucher, r.VoucherID)
	dst = append(dst, `,"campaign":`...)
	dst = appendID(dst, id.Campaign, r.CampaignID)
	dst = append(dst, `,"code":`...)
	dst = appendText(dst, r.Code)
	dst = append(dst, `,"customer":`...)
	dst = appendText(dst, r.Customer)
	dst = append(dst, `,"rank":`...)
	dst = appendInt(dst, r.Rank)
	dst = append(dst, `,"limit":`...)
	dst = appendCap(dst, r.Limit)
	dst = append(dst, `,"effect":`...)
	dst = appendGiven(dst, r.Effect, r.AmountMinor, r.Currency)
	if r.Effect == voucher.Discount {
		dst = append(dst, `,"order":`...)
		dst = appendOrder(dst, &r.Order)
	}
	dst = append(dst, `,"balance":`...)
	dst = appendMoney(dst, r.BalanceMinor, r.Currency)
	dst = append(dst, `,"transaction":`...)
	dst = appendID(dst, id.Transaction, r.ID)
	dst = append(dst, `,"created_at":`...)
	dst = appendTime(dst, r.At)
	if rolledBack {
		dst = append(dst, `,"rolled_back_at":`...)
		dst = appendTime(dst, r.RolledBackAt)
		dst = append(dst, `,"rollback":`...)
		dst = appendID(dst, id.Rollback, r.RollbackID)
	}
	return append(dst, '}')
}

// appendPublicRedemption appends a redemption for the public face, where anybody may speak for any
// customer: what a winner wants to read, without the wallet's balance, the order and the ids that would
// open other doors. Its own id, by which a help desk finds it, is shown to who has just made it.
func appendPublicRedemption(dst []byte, r *voucher.Redemption, own bool) []byte {
	dst = append(dst, '{')
	if own {
		dst = append(dst, `"id":`...)
		dst = appendID(dst, id.Redemption, r.ID)
		dst = append(dst, ',')
	}
	dst = append(dst, `"object":"redemption","status":"redeemed","code":`...)
	dst = appendText(dst, r.Code)
	dst = append(dst, `,"customer":`...)
	dst = appendText(dst, r.Customer)
	dst = append(dst, `,"rank":`...)
	dst = appendInt(dst, r.Rank)
	dst = append(dst, `,"limit":`...)
	dst = appendCap(dst, r.Limit)
	dst = append(dst, `,"effect":`...)
	dst = appendGiven(dst, r.Effect, r.AmountMinor, r.Currency)
	dst = append(dst, `,"created_at":`...)
	dst = appendTime(dst, r.At)
	return append(dst, '}')
}

// appendGiven appends what one redemption did, or would do.
func appendGiven(dst []byte, k voucher.EffectKind, minor int64, c money.Currency) []byte {
	dst = append(dst, `{"kind":"`...)
	dst = append(dst, k.String()...)
	dst = append(dst, `","amount":`...)
	dst = appendInt(dst, minor)
	dst = append(dst, `,"currency":"`...)
	dst = append(dst, c...)
	return append(dst, `"}`...)
}

func appendOrder(dst []byte, o *voucher.Order) []byte {
	dst = append(dst, '{')
	if o.ID != "" {
		dst = append(dst, `"id":`...)
		dst = appendText(dst, o.ID)
		dst = append(dst, ',')
	}
	dst = append(dst, `"amount":`...)
	dst = appendInt(dst, o.AmountMinor)
	dst = append(dst, `,"currency":"`...)
	dst = append(dst, o.Currency...)
	return append(dst, `"}`...)
}

func appendRollback(dst []byte, b *voucher.Rollback) []byte {
	dst = append(dst, `{"id":`...)
	dst = appendID(dst, id.Rollback, b.ID)
	dst = append(dst, `,"object":"rollback","redemption":`...)
	dst = appendID(dst, id.Redemption, b.RedemptionID)
	dst = append(dst, `,"voucher":`...)
	dst = appendID(dst, id.Voucher, b.VoucherID)
	dst = append(dst, `,"customer":`...)
	dst = appendText(dst, b.Customer)
	dst = append(dst, `,"amount":`...)
	dst = appendInt(dst, b.AmountMinor)
	dst = append(dst, `,"currency":"`...)
	dst = append(dst, b.Currency...)
	dst = append(dst, `","balance":`...)
	dst = appendMoney(dst, b.BalanceMinor, b.Currency)
	dst = append(dst, `,"reason":`...)
	dst = appendText(dst, b.Reason)
	dst = append(dst, `,"transaction":`...)
	dst = appendID(dst, id.Transaction, b.ID)
	dst = append(dst, `,"created_at":`...)
	dst = appendTime(dst, b.At)
	return append(dst, '}')
}

// appendVerdict appends one answer of a batch.
func appendVerdict(dst []byte, v *redemption.Verdict, requestID string) []byte {
	if v.Err == nil {
		dst = append(dst, `{"status":201,"replayed":`...)
		dst = strconv.AppendBool(dst, v.Replayed)
		dst = append(dst, `,"redemption":`...)
		dst = appendRedemption(dst, v.Redemption, asItWas)
		return append(dst, '}')
	}
	f := faultOf(v.Err)
	dst = append(dst, `{"status":`...)
	dst = appendInt(dst, int64(statusOf(f.Kind)))
	dst = append(dst, `,"problem":`...)
	dst = appendProblem(dst, f, requestID, receipt{of: v.Redemption})
	return append(dst, '}')
}

// appendValidation appends the answer to a dry run. On the public face it names no voucher and no
// campaign, and a refusal tells a guesser nothing.
func appendValidation(dst []byte, v *redemption.Validation, requestID string, public bool) []byte {
	dst = append(dst, `{"object":"validation","valid":`...)
	if v.Refusal != nil {
		dst = append(dst, `false,"problem":`...)
		refusal, first := v.Refusal, receipt{public: public}
		if refusal.Is(fault.ErrAlreadyRedeemed) {
			first.of = v.First
		}
		if public {
			refusal = hidden(refusal)
		}
		dst = appendProblem(dst, refusal, requestID, first)
		return append(dst, '}')
	}
	dst = append(dst, `true,`...)
	if !public {
		dst = append(dst, `"voucher":`...)
		dst = appendID(dst, id.Voucher, v.Voucher.ID)
		dst = append(dst, `,"campaign":`...)
		dst = appendID(dst, id.Campaign, v.Campaign.ID)
		dst = append(dst, ',')
	}
	dst = append(dst, `"code":`...)
	dst = appendText(dst, v.Voucher.Code)
	dst = append(dst, `,"effect":`...)
	dst = appendGiven(dst, v.Campaign.Effect.Kind, v.AmountMinor, v.Campaign.Currency)
	dst = append(dst, `,"remaining":`...)
	dst = appendLeft(dst, v.Voucher.Remaining())
	return append(dst, '}')
}
