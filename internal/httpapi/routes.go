package httpapi

import "net/http"

// route is one line of the table. What it takes and gives is in api/openapi.yaml; a test compares the two.
type route struct {
	method string
	path   string
	handle func(*exchange) error
	body   body
}

func (rt *route) pattern() string {
	if rt.path == "/" {
		return rt.method + " /{$}" // the root alone, not all that is below it
	}
	return rt.method + " " + rt.path
}

// body says what a route takes.
type body struct {
	bytesMax int
	anyType  bool // whatever the Content-Type: curl -d sends a form's
}

//nolint:gochecknoglobals // constants in all but name
var (
	noBody     = body{}
	publicBody = body{bytesMax: 16 << 10, anyType: true}
	v1Body     = body{bytesMax: 64 << 10}
	batchBody  = body{bytesMax: 256 << 10} // 100 items of what a person can type
)

func (s *server) routes() []route {
	const get, post, patch = http.MethodGet, http.MethodPost, http.MethodPatch
	return []route{
		{post, "/codes/use", s.useCode, publicBody},
		{post, "/wallet/balance", s.balance, publicBody},
		{post, "/codes/report", s.reportCode, publicBody},

		{post, "/v1/redemptions", s.redeem, v1Body},
		{get, "/v1/redemptions", s.listRedemptions, noBody},
		{post, "/v1/redemptions/batch", s.redeemBatch, batchBody},
		{get, "/v1/redemptions/{redemption}", s.getRedemption, noBody},
		{post, "/v1/redemptions/{redemption}/rollback", s.rollBack, v1Body},
		{post, "/v1/validations", s.validate, v1Body},

		{post, "/v1/campaigns", s.createCampaign, v1Body},
		{get, "/v1/campaigns", s.listCampaigns, noBody},
		{get, "/v1/campaigns/{campaign}", s.getCampaign, noBody},
		{patch, "/v1/campaigns/{campaign}", s.patchCampaign, v1Body},
		{post, "/v1/campaigns/{campaign}/enable", s.enableCampaign, v1Body},
		{post, "/v1/campaigns/{campaign}/disable", s.disableCampaign, v1Body},
		{get, "/v1/campaigns/{campaign}/summary", s.summarise, noBody},
		{post, "/v1/campaigns/{campaign}/vouchers", s.createCampaignVoucher, v1Body},
		{get, "/v1/campaigns/{campaign}/vouchers", s.listCampaignVouchers, noBody},

		{post, "/v1/vouchers", s.createVoucher, v1Body},
		{get, "/v1/vouchers", s.listVouchers, noBody},
		{post, "/v1/vouchers/lookup", s.lookUpVoucher, v1Body},
		{get, "/v1/vouchers/{voucher}", s.getVoucher, noBody},
		{patch, "/v1/vouchers/{voucher}", s.patchVoucher, v1Body},
		{post, "/v1/vouchers/{voucher}/enable", s.enableVoucher, v1Body},
		{post, "/v1/vouchers/{voucher}/disable", s.disableVoucher, v1Body},

		{get, "/v1/wallets/{customer}", s.getWallet, noBody},
		{get, "/v1/wallets/{customer}/transactions", s.listTransactions, noBody},

		{get, "/", s.index, noBody},
		{get, "/healthz", s.healthy, noBody},
		{get, "/readyz", s.ready, noBody},
		{get, "/metrics", s.metrics, noBody},
		{get, "/openapi.yaml", s.contract, noBody},
	}
}
