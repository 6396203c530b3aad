package httpapi

import "net/http"

// route is one line of the table. What it takes and gives is in api/openapi.yaml; a test compares the two.
type route struct {
	method string
	path   string
	handle func(*exchange) error
	body   body
	may    rights
	key    keyRule
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

// keyRule says what a route does with an Idempotency-Key: there is no route that would do something twice and ignores
// one. The zero rule refuses it.
type keyRule struct {
	honoured bool   // answered under it as it was the first time
	needless bool   // the route only reads, or does the same however often it is asked; the header is ignored
	instead  string // of one that refuses it, what to do
}

//nolint:gochecknoglobals // constants in all but name
var (
	keyHonoured = keyRule{honoured: true}
	keyNeedless = keyRule{needless: true}
	keyPerItem  = keyRule{instead: "A batch takes no Idempotency-Key: each of its redemptions has an idempotency_key of its own. Nothing was done."}
	keyNever    = keyRule{instead: "This takes no Idempotency-Key, for a secret is shown once. If its answer is lost, revoke the key and make another. Nothing was done."}
)

func (s *server) routes() []route {
	const get, post, patch = http.MethodGet, http.MethodPost, http.MethodPatch
	return []route{
		{post, "/codes/use", s.useCode, publicBody, forTheCrowd, keyHonoured},
		{post, "/wallet/balance", s.balance, publicBody, forBalances, keyNeedless},
		{post, "/codes/report", s.reportCode, publicBody, forReports, keyNeedless},

		{post, "/v1/redemptions", s.redeem, v1Body, forTheCrowd, keyHonoured},
		{get, "/v1/redemptions", s.listRedemptions, noBody, forReaders, keyNeedless},
		{post, "/v1/redemptions/batch", s.redeemBatch, batchBody, forTills, keyPerItem},
		{get, "/v1/redemptions/{redemption}", s.getRedemption, noBody, forReceipts, keyNeedless},
		{post, "/v1/redemptions/{redemption}/rollback", s.rollBack, v1Body, forTills, keyHonoured},
		{post, "/v1/validations", s.validate, v1Body, forTheCrowd, keyNeedless},

		{post, "/v1/campaigns", s.createCampaign, v1Body, forIssuers, keyHonoured},
		{get, "/v1/campaigns", s.listCampaigns, noBody, forCatalogs, keyNeedless},
		{get, "/v1/campaigns/{campaign}", s.getCampaign, noBody, forCatalogs, keyNeedless},
		{patch, "/v1/campaigns/{campaign}", s.patchCampaign, v1Body, forIssuers, keyNeedless},
		{post, "/v1/campaigns/{campaign}/enable", s.enableCampaign, v1Body, forIssuers, keyNeedless},
		{post, "/v1/campaigns/{campaign}/disable", s.disableCampaign, v1Body, forIssuers, keyNeedless},
		{get, "/v1/campaigns/{campaign}/summary", s.summarise, noBody, forCatalogs, keyNeedless},
		{post, "/v1/campaigns/{campaign}/vouchers", s.createCampaignVoucher, v1Body, forIssuers, keyHonoured},
		{get, "/v1/campaigns/{campaign}/vouchers", s.listCampaignVouchers, noBody, forCatalogs, keyNeedless},

		{post, "/v1/vouchers", s.createVoucher, v1Body, forIssuers, keyHonoured},
		{get, "/v1/vouchers", s.listVouchers, noBody, forCatalogs, keyNeedless},
		{post, "/v1/vouchers/lookup", s.lookUpVoucher, v1Body, forCatalogs, keyNeedless},
		{get, "/v1/vouchers/{voucher}", s.getVoucher, noBody, forCatalogs, keyNeedless},
		{patch, "/v1/vouchers/{voucher}", s.patchVoucher, v1Body, forIssuers, keyNeedless},
		{post, "/v1/vouchers/{voucher}/enable", s.enableVoucher, v1Body, forIssuers, keyNeedless},
		{post, "/v1/vouchers/{voucher}/disable", s.disableVoucher, v1Body, forIssuers, keyNeedless},

		{get, "/v1/wallets/{customer}", s.getWallet, noBody, forWallets, keyNeedless},
		{get, "/v1/wallets/{customer}/transactions", s.listTransactions, noBody, forWallets, keyNeedless},

		{get, "/v1/seals", s.listSeals, noBody, forReaders, keyNeedless},
		{get, "/v1/seals/latest", s.latestSeal, noBody, forReaders, keyNeedless},
		{get, "/v1/seals/{seal}", s.getSeal, noBody, forReaders, keyNeedless},

		{post, "/v1/keys", s.createKey, v1Body, forAdmins, keyNever},
		{get, "/v1/keys", s.listKeys, noBody, forAdmins, keyNeedless},
		{get, "/v1/keys/{key}", s.getKey, noBody, forAdmins, keyNeedless},
		{patch, "/v1/keys/{key}", s.patchKey, v1Body, forAdmins, keyNeedless},
		{post, "/v1/keys/{key}/rotate", s.rotateKey, v1Body, forAdmins, keyNever},
		{post, "/v1/keys/{key}/revoke", s.revokeKey, v1Body, forAdmins, keyNeedless},
		{get, "/v1/audit-events", s.listAuditEvents, noBody, forAdmins, keyNeedless},

		{get, "/", s.index, noBody, forAnyone, keyNeedless},
		{get, "/healthz", s.healthy, noBody, forAnyone, keyNeedless},
		{get, "/readyz", s.ready, noBody, forAnyone, keyNeedless},
		{get, "/metrics", s.metrics, noBody, forReaders, keyNeedless},
		{get, "/openapi.yaml", s.contract, noBody, forAnyone, keyNeedless},
	}
}
