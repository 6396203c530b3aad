package httpapi_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"scrip/internal/store/memstore"
)

// What a server says of a campaign or a voucher goes by the store's clock, as its verdicts do: also where its own is
// hours off.
func TestStatusesGoByTheStoresClock(t *testing.T) {
	t.Parallel()
	for name, off := range map[string]time.Duration{"behind": 7 * time.Hour, "ahead": -7 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := &bundle{tb: t}
			b.now = b.clock
			b.store = memstore.New(memstore.Options{Clock: func() time.Time { return b.clock().Add(off) }})
			b.redeemWith(b.store)
			for code, window := range map[string]struct {
				status     string
				start, end time.Duration
			}{
				"opened": {"open", -time.Hour, time.Hour}, "waits": {"not_started", time.Hour, 2 * time.Hour}, "ended": {"ended", -2 * time.Hour, -time.Hour},
			} {
				at := func(d time.Duration) string { return dawn.Add(off + d).Format(time.RFC3339) }
				campaign, voucher := b.shared(code, "", fmt.Sprintf(`,"starts_at":%q,"ends_at":%q`, at(window.start), at(window.end)))
				campaign, voucher = "/v1/campaigns/"+campaign, "/v1/vouchers/"+voucher
				for _, r := range []reply{
					b.get(campaign), b.get(campaign + "/summary"), b.get("/v1/campaigns?limit=1"), b.get(voucher), b.get("/v1/vouchers?limit=1"),
					b.get(campaign + "/vouchers"), b.patch(campaign, `{"name":"another"}`), b.patch(voucher, `{"limit":7}`),
					b.post(campaign+"/enable", ``), b.post(voucher+"/enable", ``), b.post("/v1/vouchers/lookup", `{"code":"`+code+`"}`),
				} {
					body := strings.ReplaceAll(r.body, `"active"`, `"open"`) // a campaign's word for it
					want := strings.Count(body, `"status":"`+window.status+`"`)
					if want == 0 || want != strings.Count(body, `"status":`) {
						t.Errorf("%s: want %s alone in %s", code, window.status, r.body)
					}
				}
			}
		})
	}
}
