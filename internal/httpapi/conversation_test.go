package httpapi_test

import "testing"

func TestPublicConversation(t *testing.T) {
	t.Parallel()
	talk(t, "public.txt", []step{
		post("/v1/campaigns", `{"name":"Demo","effect":{"kind":"credit","amount":100000000},"voucher":{"code":"salam","limit":2000}}`),
		form("/codes/use", `{"code":"salam","mobile":"093648644710"}`),
		form("/wallet/balance", `{"mobile":"093648644710"}`),
		form("/codes/report", `{"code":"salam"}`),
		form("/codes/report", `{"code":" SA-LAM "}`),
		form("/codes/use", `{"code":"salam","mobile":"093648644710"}`),
		form("/codes/use", `{"code":"salam","mobile":"۰۹۱۲ ۳۴۵ ۶۷۸۹"}`, "Idempotency-Key: k-1"),
		form("/codes/use", `{"code":"SALAM","mobile":"+989123456789"}`, "Idempotency-Key: k-1"),
		form("/codes/use", `{"code":"salam","mobile":"09123456789"}`),
		form("/wallet/balance", `{"mobile":"۰۹۱۲۳۴۵۶۷۸۹"}`),
		form("/wallet/balance", `{"mobile":"never seen"}`),
		form("/codes/use", `{"code":"nothing","mobile":"09123456789"}`),
		form("/codes/report", `{"code":"nothing"}`),
		form("/codes/use", `{"code":"sal@am","mobile":"09123456789"}`),
		form("/codes/use", `{"code":"salam","mobile":""}`),
		form("/codes/use", `code=salam&mobile=09123456789`),
		form("/codes/use", `{"code":"salam"`),
		form("/codes/use", `{"code":"salam","mobile":"1","code":"other"}`),
		form("/codes/use", `{"code":"salam","mobile":"1","extra":true}`),
		form("/codes/use", `{"code":"salam","mobile":9123456789}`),
		form("/codes/use", ``),
		{"GET", "/codes/use", "", nil},
		{"OPTIONS", "/codes/use", "", nil},
		post("/v1/campaigns", `{"name":"Free","effect":{"kind":"credit","amount":1250},"voucher":{"code":"open"}}`),
		form("/codes/report", `{"code":"open"}`),
		form("/codes/use", `{"code":"open","mobile":"short"}`),
		form("/wallet/balance", `{"mobile":"short"}`),
	})
}

func TestRedemptionConversation(t *testing.T) {
	t.Parallel()
	talk(t, "redemptions.txt", []step{
		post("/v1/campaigns", `{"name":"Demo","effect":{"kind":"credit","amount":500},"voucher":{"code":"Salam-1","limit":3}}`),
		post("/v1/validations", `{"code":"salam1","customer":"ali"}`),
		post("/v1/redemptions", `{"code":"salam1","customer":"ali"}`, "Idempotency-Key: first"),
		post("/v1/redemptions", `{"code":"SALAM 1","customer":"ali"}`, "Idempotency-Key: first"),
		post("/v1/redemptions", `{"code":"salam1","customer":"ali","order":{"amount":1,"currency":"IRR"}}`, "Idempotency-Key: first"),
		post("/v1/redemptions", `{"code":"salam1","customer":"ali"}`),
		post("/v1/validations", `{"code":"salam1","customer":"ali"}`),
		get("/v1/redemptions/{rdm_1}"),
		post("/v1/redemptions/{rdm_1}/rollback", `{"reason":"a mistake"}`, "Idempotency-Key: undo"),
		post("/v1/redemptions/{rdm_1}/rollback", `{"reason":"a mistake"}`, "Idempotency-Key: undo"),
		{"POST", "/v1/redemptions/{rdm_1}/rollback", "", nil},
		get("/v1/redemptions/{rdm_1}"),
		post("/v1/redemptions", `{"code":"salam1","customer":"ali"}`, "Idempotency-Key: first"),
		post("/v1/redemptions/batch", `{"redemptions":[
			{"code":"salam1","customer":"ali"},{"code":"salam1","customer":"ali"},
			{"code":"salam1","customer":"reza","idempotency_key":"r-1"},{"code":"salam1","customer":"reza","idempotency_key":"r-1"},
			{"code":"salam1","customer":"sara","order":{"amount":-1,"currency":"IRR"}},{"code":"nope","customer":"sara"},{"code":"salam1","customer":""},
			{"code":"salam1","customer":"sara"},{"code":"salam1","customer":"late"}]}`),
		get("/v1/redemptions?limit=2"),
		get("/v1/redemptions?limit=2&starting_after={rdm_3}"),
		get("/v1/redemptions?limit=1&ending_before={rdm_1}"),
		get("/v1/redemptions?customer=ali"),
		get("/v1/redemptions?voucher={vch_1}&limit=1"),
		get("/v1/redemptions?campaign={cmp_1}&limit=1"),
		get("/v1/redemptions?customer=ali&voucher={vch_1}"),
		get("/v1/redemptions?custmer=ali"),
		get("/v1/redemptions?limit=0"),
		get("/v1/redemptions?starting_after=rdm_1"),
		get("/v1/redemptions/nonsense"),
		get("/v1/redemptions/rdm_01h455vb4pex5vsknk084sn02q"),
		{"POST", "/v1/redemptions/rdm_01h455vb4pex5vsknk084sn02q/rollback", "", nil},
		form("/v1/redemptions", `{"code":"salam1","customer":"ali"}`),
		{"DELETE", "/v1/redemptions/{rdm_1}", "", nil},
	})
}

func TestDiscountConversation(t *testing.T) {
	t.Parallel()
	talk(t, "discounts.txt", []step{
		post("/v1/campaigns", `{"name":"Tenth","currency":"EUR","effect":{"kind":"discount","percent_bp":1000,"max_amount":500},"voucher":{"code":"tenth"}}`),
		post("/v1/redemptions", `{"code":"tenth","customer":"ali"}`),
		post("/v1/validations", `{"code":"tenth","customer":"ali","order":{"id":"o-1","amount":2550,"currency":"EUR"}}`),
		post("/v1/redemptions", `{"code":"tenth","customer":"ali","order":{"id":"o-1","amount":2550,"currency":"EUR"}}`),
		post("/v1/redemptions", `{"code":"tenth","customer":"reza","order":{"amount":99999,"currency":"EUR"}}`),
		post("/v1/redemptions", `{"code":"tenth","customer":"sara","order":{"amount":9,"currency":"EUR"}}`),
		post("/v1/redemptions", `{"code":"tenth","customer":"sara","order":{"amount":900,"currency":"IRR"}}`),
		post("/v1/redemptions", `{"code":"tenth","customer":"sara","order":{"amount":900,"currency":"eur"}}`),
		post("/v1/redemptions", `{"code":"tenth","customer":"sara","order":{"currency":"EUR"}}`),
		form("/codes/report", `{"code":"tenth"}`),
		form("/codes/use", `{"code":"tenth","mobile":"sara"}`),
		get("/v1/wallets/ali"),
		get("/v1/wallets/ali/transactions?currency=EUR"),
	})
}

func TestCampaignConversation(t *testing.T) {
	t.Parallel()
	talk(t, "campaigns.txt", []step{
		post("/v1/campaigns", `{"name":"Nowruz","effect":{"kind":"credit","amount":500},"starts_at":"2026-03-20T15:30:00+03:30","ends_at":"2027-01-01T00:00:00.123456789Z","budget":{"amount":1000,"count":10,"per_customer":2}}`, "Idempotency-Key: c-1"),
		post("/v1/campaigns", `{"name":"Nowruz","effect":{"kind":"credit","amount":500},"starts_at":"2026-03-20T15:30:00+03:30","ends_at":"2027-01-01T00:00:00.123456789Z","budget":{"amount":1000,"count":10,"per_customer":2}}`, "Idempotency-Key: c-1"),
		post("/v1/campaigns", `{"name":"Other","effect":{"kind":"credit","amount":500}}`, "Idempotency-Key: c-1"),
		get("/v1/campaigns/{cmp_1}"),
		post("/v1/campaigns/{cmp_1}/vouchers", `{"code":"one","limit":5}`, "Idempotency-Key: v-1"),
		post("/v1/campaigns/{cmp_1}/vouchers", `{"code":"one","limit":5}`, "Idempotency-Key: v-1"),
		{"POST", "/v1/campaigns/{cmp_1}/vouchers", "", nil},
		get("/v1/campaigns/{cmp_1}/vouchers"),
		post("/v1/redemptions", `{"code":"one","customer":"ali"}`),
		post("/v1/redemptions", `{"code":"one","customer":"reza"}`),
		post("/v1/redemptions", `{"code":"one","customer":"sara"}`),
		get("/v1/campaigns/{cmp_1}/summary"),
		patch("/v1/campaigns/{cmp_1}", `{"budget":{"amount":999}}`),
		patch("/v1/campaigns/{cmp_1}", `{"budget":{"amount":null,"count":3},"name":"Renamed","ends_at":null}`),
		post("/v1/redemptions", `{"code":"one","customer":"sara"}`),
		post("/v1/redemptions", `{"code":"one","customer":"late"}`),
		patch("/v1/campaigns/{cmp_1}", `{"budget":null}`),
		patch("/v1/campaigns/{cmp_1}", `{"ends_at":"2026-03-20T12:00:00Z"}`),
		patch("/v1/campaigns/{cmp_1}", `{"effect":{"kind":"credit","amount":1}}`),
		patch("/v1/campaigns/{cmp_1}", `{"name":null}`),
		patch("/v1/campaigns/{cmp_1}", `{}`),
		{"POST", "/v1/campaigns/{cmp_1}/disable", "", nil},
		post("/v1/redemptions", `{"code":"one","customer":"late"}`),
		form("/codes/use", `{"code":"one","mobile":"late"}`),
		post("/v1/campaigns/{cmp_1}/enable", `{}`),
		post("/v1/redemptions", `{"code":"one","customer":"late"}`),
		post("/v1/campaigns", `{"name":"Second","effect":{"kind":"discount","amount":5},"currency":"JPY","disabled":true,"voucher":{}}`),
		post("/v1/campaigns", `{"name":"Third","effect":{"kind":"credit","amount":5},"voucher":{"code":"ONE"}}`),
		get("/v1/campaigns?limit=1"),
		get("/v1/campaigns?limit=5&starting_after={cmp_2}"),
		get("/v1/campaigns?starting_after={cmp_1}&ending_before={cmp_2}"),
		get("/v1/campaigns/cmp_01h455vb4pex5vsknk084sn02q"),
		get("/v1/campaigns/cmp_01h455vb4pex5vsknk084sn02q/vouchers"),
		get("/v1/campaigns/cmp_01h455vb4pex5vsknk084sn02q/summary"),
		patch("/v1/campaigns/cmp_01h455vb4pex5vsknk084sn02q", `{"budget":{"count":1}}`),
		post("/v1/campaigns/cmp_01h455vb4pex5vsknk084sn02q/vouchers", `{"code":"x"}`),
	})
}

func TestVoucherConversation(t *testing.T) {
	t.Parallel()
	talk(t, "vouchers.txt", []step{
		post("/v1/campaigns", `{"name":"Demo","effect":{"kind":"credit","amount":500}}`),
		post("/v1/vouchers", `{"campaign":"{cmp_1}","code":"Golden Ticket","limit":2,"per_customer":2,"customer":"09123456789"}`),
		post("/v1/vouchers/lookup", `{"code":"golden-ticket"}`),
		post("/v1/redemptions", `{"code":"goldenticket","customer":"ali"}`),
		form("/codes/use", `{"code":"goldenticket","mobile":"ali"}`),
		form("/codes/report", `{"code":"goldenticket"}`),
		post("/v1/redemptions", `{"code":"goldenticket","customer":"+98 912 345 6789"}`),
		post("/v1/redemptions", `{"code":"goldenticket","customer":"09123456789"}`),
		post("/v1/redemptions", `{"code":"goldenticket","customer":"09123456789"}`),
		get("/v1/vouchers/{vch_1}"),
		patch("/v1/vouchers/{vch_1}", `{"limit":1}`),
		patch("/v1/vouchers/{vch_1}", `{"per_customer":null}`),
		patch("/v1/vouchers/{vch_1}", `{"limit":3,"customer":null}`),
		post("/v1/redemptions", `{"code":"goldenticket","customer":"ali"}`),
		patch("/v1/vouchers/{vch_1}", `{"limit":null}`),
		patch("/v1/vouchers/{vch_1}", `{"disabled":true}`),
		post("/v1/vouchers/{vch_1}/enable", `{}`),
		{"POST", "/v1/vouchers/{vch_1}/disable", "", nil},
		form("/codes/report", `{"code":"goldenticket"}`),
		post("/v1/vouchers", `{"campaign":"{cmp_1}"}`),
		post("/v1/vouchers", `{"campaign":"{cmp_1}","code":"GOLDEN ticket"}`),
		post("/v1/vouchers", `{"campaign":"cmp_01h455vb4pex5vsknk084sn02q"}`),
		post("/v1/vouchers", `{"code":"x"}`),
		get("/v1/vouchers?limit=1"),
		get("/v1/vouchers?campaign={cmp_1}&limit=1&starting_after={vch_2}"),
		get("/v1/vouchers?campaign=vch_1"),
		get("/v1/vouchers/vch_01h455vb4pex5vsknk084sn02q"),
		post("/v1/vouchers/vch_01h455vb4pex5vsknk084sn02q/enable", `{}`),
		post("/v1/vouchers/lookup", `{"code":"nothing"}`),
		get("/v1/vouchers/lookup"),
	})
}

func TestWalletConversation(t *testing.T) {
	t.Parallel()
	talk(t, "wallets.txt", []step{
		get("/v1/wallets/09123456789"),
		post("/v1/campaigns", `{"name":"A","effect":{"kind":"credit","amount":500},"voucher":{"code":"aa"}}`),
		post("/v1/campaigns", `{"name":"B","currency":"EUR","effect":{"kind":"credit","amount":7},"voucher":{"code":"bb"}}`),
		post("/v1/redemptions", `{"code":"aa","customer":"09123456789"}`),
		post("/v1/redemptions", `{"code":"bb","customer":"09123456789"}`),
		{"POST", "/v1/redemptions/{rdm_1}/rollback", "", nil},
		get("/v1/wallets/09123456789"),
		get("/v1/wallets/%D8%B9%D9%84%DB%8C"),
		get("/v1/wallets/a%2Fb"),
		get("/v1/wallets/09123456789/transactions"),
		get("/v1/wallets/09123456789/transactions?limit=1"),
		get("/v1/wallets/09123456789/transactions?limit=1&starting_after={txn_3}"),
		get("/v1/wallets/09123456789/transactions?currency=EUR"),
		get("/v1/wallets/09123456789/transactions?currency=XYZ"),
		get("/v1/wallets/%00"),
		get("/v1/wallets/%FF"),
	})
}

func TestServerConversation(t *testing.T) {
	t.Parallel()
	talk(t, "server.txt", []step{
		get("/"),
		get("/healthz"),
		get("/readyz"),
		get("/metrics"),
		get("/nothing"),
		get("/v1"),
		get("/v1/wallets/"),
		get("//codes/use"),
		get("/v1/../codes/use"),
		{"POST", "/", "", nil},
		{"PUT", "/v1/campaigns", "{}", nil},
		{"OPTIONS", "/v1/campaigns", "", nil},
		{"OPTIONS", "/nothing", "", nil},
		{"HEAD", "/healthz", "", nil},
		{"HEAD", "/codes/use", "", nil},
		{"BREW", "/v1/vouchers/lookup", "", nil},
	})
}
