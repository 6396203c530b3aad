package stampede

import (
	"encoding/json"
	"fmt"
)

// customerDigits is the width of a customer's number: as many as CustomersMax has.
const customerDigits = 8

// template is a request that is the same for every customer but for the digits of their number, which
// are written in place.
type template struct {
	text []byte
	at   []int // where the digits begin
}

// newTemplate finds the places of the run's customer number zero in text.
func newTemplate(text, run string) template {
	t := template{text: []byte(text)}
	zero := customerName(run, 0)
	for at := 0; at+len(zero) <= len(text); at++ {
		if text[at:at+len(zero)] == zero {
			t.at = append(t.at, at+len(zero)-customerDigits)
		}
	}
	return t
}

// of returns the request of one customer. It is lent until the next call.
func (t *template) of(customer int) []byte {
	var digits [customerDigits]byte
	for i := customerDigits - 1; i >= 0; i-- {
		digits[i] = '0' + byte(customer%10) //nolint:gosec // a digit
		customer /= 10
	}
	for _, at := range t.at {
		copy(t.text[at:], digits[:])
	}
	return t.text
}

func customerName(run string, customer int) string {
	return fmt.Sprintf("%s-%0*d", run, customerDigits, customer)
}

// redeemTemplate asks for the code, under the customer's key if keyed.
func (f *flood) redeemTemplate(to *address, keyed bool) template {
	customer := customerName(f.name, 0)
	body, err := json.Marshal(struct {
		Code     string `json:"code"`
		Customer string `json:"customer"`
	}{f.cfg.Code, customer})
	if err != nil {
		panic("stampede: two strings can always be written as JSON: " + err.Error())
	}
	key := ""
	if keyed {
		key = "Idempotency-Key: " + customer + "\r\n"
	}
	return newTemplate(fmt.Sprintf("POST %s/v1/redemptions HTTP/1.1\r\nHost: %s\r\nUser-Agent: %s\r\n"+
		"Content-Type: application/json\r\n%s%sContent-Length: %d\r\n\r\n%s",
		to.path, to.host, userAgent, f.authorization(), key, len(body), body), f.name)
}

// walletTemplate asks for the customer's wallet.
func (f *flood) walletTemplate(to *address) template {
	return newTemplate(fmt.Sprintf("GET %s/v1/wallets/%s HTTP/1.1\r\nHost: %s\r\nUser-Agent: %s\r\n%s\r\n",
		to.path, customerName(f.name, 0), to.host, userAgent, f.authorization()), f.name)
}

// authorization is the header that presents the key, empty without one.
func (f *flood) authorization() string {
	if f.cfg.Key == "" {
		return ""
	}
	return "Authorization: Bearer " + f.cfg.Key + "\r\n"
}
