package faults_test

import (
	"math/rand/v2"
	"sync"

	"scrip/client"
)

// check holds what the crowd was told in a round to what is in the database.
func (r *round) check() {
	r.t.Helper()
	winners := r.book.winnersOf(r.code)
	if want := min(perRound, limit); len(winners) != want {
		r.t.Errorf("round %d: %d have won %s, not %d", r.n, len(winners), r.code, want)
	}
	for i, w := range winners {
		if w.rank != int64(i+1) {
			r.t.Errorf("round %d: of the ranks from 1 on, each once, number %d of %s is %d (%s)", r.n, i+1, r.code, w.rank, w.customer)
			break
		}
	}
	r.compare(r.code, winners)
	r.winnersAskAgain(winners)
	r.verify()
	r.sayWhatIsWrong()
}

// compare holds the wins of a code that were acknowledged to those that a replica lists.
func (s *site) compare(code string, winners []ticket) {
	s.t.Helper()
	c := s.anybody().client
	v, err := c.LookupVoucher(s.t.Context(), code)
	if err != nil {
		s.t.Fatalf("look %s up: %v", code, err)
	}
	acknowledged := map[string]ticket{}
	for _, w := range winners {
		acknowledged[w.receipt] = w
	}
	if v.Redeemed != int64(len(winners)) || len(acknowledged) != len(winners) {
		s.t.Errorf("%s: %d wins were acknowledged, with %d receipts; the voucher says %d", code, len(winners), len(acknowledged), v.Redeemed)
	}
	query := client.RedemptionQuery{Voucher: v.ID, Page: client.Page{Limit: 100}}
	for listed, err := range c.AllRedemptions(s.t.Context(), query) {
		if err != nil {
			s.t.Fatalf("list the redemptions of %s: %v", code, err)
		}
		w, ok := acknowledged[listed.ID]
		if !ok || listed.Rank != w.rank || listed.Customer != w.customer || listed.Status != client.StatusRedeemed {
			s.t.Errorf("listed is %+v; acknowledged was %+v", listed, w)
		}
		delete(acknowledged, listed.ID)
	}
	for _, w := range acknowledged {
		s.t.Errorf("%+v was acknowledged and is not listed", w)
	}
}

// anybody is a replica that is there.
func (s *site) anybody() *replica {
	for {
		if r := s.replicas[s.random.IntN(len(s.replicas))]; !r.shaky.Load() {
			return r
		}
	}
}

// asking is how many winners of a round ask every replica once more.
const asking = 4

// winnersAskAgain has winners ask every replica that is there. It must have an answer now.
func (r *round) winnersAskAgain(winners []ticket) {
	r.t.Helper()
	for range min(asking, len(winners)) {
		w := winners[r.random.IntN(len(winners))]
		for _, of := range r.replicas {
			if !of.shaky.Load() && !r.book.winnerAgain(r.t.Context(), of, w) {
				r.t.Errorf("round %d: %+v asked %s again, and got no verdict", r.n, w, of.name)
			}
		}
	}
}

// verify holds the database to every invariant.
func (s *site) verify() {
	s.t.Helper()
	if got := scrip(s.t, "verify", "--database-url", s.postgres.URL(databaseName)); got.Code != 0 {
		s.t.Errorf("verify exits with %d:\n%s%s", got.Code, got.Stdout, got.Stderr)
	}
}

// sayWhatIsWrong fails the test with what the crowd has found wrong.
func (s *site) sayWhatIsWrong() {
	s.t.Helper()
	wrong := s.book.contradictions()
	for _, w := range wrong[:min(len(wrong), 20)] {
		s.t.Error(w)
	}
	if more := len(wrong) - 20; more > 0 {
		s.t.Errorf("and %d more", more)
	}
}

// close holds the whole to account: the endless code and every wallet.
func (s *site) close() {
	s.t.Helper()
	s.compare(endless, s.book.winnersOf(endless))
	s.wallets()
	s.sayWhatIsWrong()
	if s.t.Failed() {
		return
	}
	for _, r := range s.replicas {
		r.stop()
	}
	s.verify()
}

// wallets holds every customer's wallet to their wins: credited once for each.
func (s *site) wallets() {
	s.t.Helper()
	customers := make(chan string)
	var workers sync.WaitGroup
	for range crowd {
		workers.Go(func() {
			for who := range customers {
				s.walletOf(who, s.replicas[rand.IntN(len(s.replicas))]) //nolint:gosec // whom to ask, not a secret
			}
		})
	}
	for who := range s.book.customers() {
		customers <- who
	}
	close(customers)
	workers.Wait()
}

func (s *site) walletOf(who string, r *replica) {
	want := s.book.winsOf(who) * credit
	w, err := r.client.Wallet(s.t.Context(), who)
	if err != nil || w.Balance(currency) != want {
		s.book.say("%s has won %d; %s says %v, %+v", who, want, r.name, err, w)
	}
}

// customers are all who have an answer.
func (b *book) customers() map[string]bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := map[string]bool{}
	for k := range b.won {
		all[k.customer] = true
	}
	for k := range b.lost {
		all[k.customer] = true
	}
	return all
}
