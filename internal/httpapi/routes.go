package httpapi

import "net/http"

// route is one line of the table. What it takes and gives is in api/openapi.yaml; a test compares the two.
type route struct {
	method string
	path   string
	handle func(*exchange) error
	body   body
	may    rights
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
		{post, "/codes/use", s.useCode, publicBody, forTheCrowd},
		{post, "/wallet/balance", s.balance, publicBody, forBalances},
		{post, "/codes/report", s.reportCode, publicBody, forReports},

		{post, "/v1/redemptions", s.redeem, v1Body, forTheCrowd},
		{get, "/v1/redemptions", s.listRedemptions, noBody, forReaders},
		{post, "/v1/redemptions/batch", s.redeemBatch, batchBody, forTills},
		{get, "/v1/redemptions/{redemption}", s.getRedemption, noBody, forReceipts},
		{post, "/v1/redemptions/{redemption}/rollback", s.rollBack, v1Body, forTills},
		{post, "/v1/validations", s.validate, v1Body, forTheCrowd},

		{post, "/v1/campaigns", s.createCampaign, v1Body, forIssuers},
		{get, "/v1/campaigns", s.listCampaigns, noBody, forCatalogs},
		{get, "/v1/campaigns/{campaign}", s.getCampaign, noBody, forCatalogs},
		{patch, "/v1/campaigns/{campaign}", s.patchCampaign, v1Body, forIssuers},
		{post, "/v1/campaigns/{campaign}/enable", s.enableCampaign, v1Body, forIssuers},
		{post, "/v1/campaigns/{campaign}/disable", s.disableCampaign, v1Body, forIssuers},
		{get, "/v1/campaigns/{campaign}/summary", s.summarise, noBody, forCatalogs},
		{post, "/v1/campaigns/{campaign}/vouchers", s.createCampaignVoucher, v1Body, forIssuers},
		{get, "/v1/campaigns/{campaign}/vouchers", s.listCampaignVouchers, noBody, forCatalogs},

		{post, "/v1/vouchers", s.createVoucher, v1Body, forIssuers},
		{get, "/v1/vouchers", s.listVouchers, noBody, forCatalogs},
		{post, "/v1/vouchers/lookup", s.lookUpVoucher, v1Body, forCatalogs},
		{get, "/v1/vouchers/{voucher}", s.getVoucher, noBody, forCatalogs},
		{patch, "/v1/vouchers/{voucher}", s.patchVoucher, v1Body, forIssuers},
		{post, "/v1/vouchers/{voucher}/enable", s.enableVoucher, v1Body, forIssuers},
		{post, "/v1/vouchers/{voucher}/disable", s.disableVoucher, v1Body, forIssuers},

		{get, "/v1/wallets/{customer}", s.getWallet, noBody, forWallets},
		{get, "/v1/wallets/{customer}/transactions", s.listTransactions, noBody, forWallets},

		{get, "/v1/seals", s.listSeals, noBody, forReaders},
		{get, "/v1/seals/latest", s.latestSeal, noBody, forReaders},
		{get, "/v1/seals/{seal}", s.getSeal, noBody, forReaders},

		{post, "/v1/keys", s.createKey, v1Body, forAdmins},
		{get, "/v1/keys", s.listKeys, noBody, forAdmins},
		{get, "/v1/keys/{key}", s.getKey, noBody, forAdmins},
		{patch, "/v1/keys/{key}", s.patchKey, v1Body, forAdmins},
		{post, "/v1/keys/{key}/rotate", s.rotateKey, v1Body, forAdmins},
		{post, "/v1/keys/{key}/revoke", s.revokeKey, v1Body, forAdmins},
		{get, "/v1/audit-events", s.listAuditEvents, noBody, forAdmins},

		{get, "/", s.index, noBody, forAnyone},
		{get, "/healthz", s.healthy, noBody, forAnyone},
		{get, "/readyz", s.ready, noBody, forAnyone},
		{get, "/metrics", s.metrics, noBody, forReaders},
		{get, "/openapi.yaml", s.contract, noBody, forAnyone},
	}
}
