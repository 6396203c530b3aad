package store_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"scrip/internal/id"
	"scrip/internal/ledger"
	"scrip/internal/store"
)

// The hashes of the seals that TestASealIsWhatItWas makes.
const (
	goldenRoot    = "64264145ae24fbde71919549e25da05741e929d1128a99aaa94d194655c766db"
	goldenMembers = "c0822d59d5ba33b67b63684b0a1eb0fb55ac84fa224a2eda3dbbff9c89d09e2b"
	goldenFirst   = "681db68f712b56faea832cf7b24dec9adfdeba57dab9a96b73b45dc66e4c51eb"
	goldenSecond  = "b3fa5b52c8f1797e4ee1c36020489bed05420d808b482c0860a44771ce94a467"
)

var sealTime = time.Date(2026, time.March, 20, 14, 46, 0, 123456000, time.UTC)

func transferOf(customer string, seq int64) ledger.Transfer {
	campaign := id.ID{1, 15: 9}
	return ledger.Transfer{
		ID: id.ID{2, 15: byte(seq & 0xff)}, Customer: customer, Currency: "IRR", Seq: seq, Kind: ledger.Redemption,
		Debit: ledger.FundingOf(campaign, "IRR"), Credit: ledger.WalletOf(customer, "IRR"), Amount: 1000, Balance: 1000 * seq, At: sealTime,
	}
}

// TestASealIsWhatItWas holds the forms that seals stand on: whoever changes one breaks every chain there is.
func TestASealIsWhatItWas(t *testing.T) {
	t.Parallel()
	one := transferOf("989121234567", 1)
	want := "01" + "0c" + hex.EncodeToString([]byte("989121234567")) + "03495252" + "0000000000000001" +
		"02000000000000000000000000000001" + "01" +
		"02" + "1e" + hex.EncodeToString([]byte(one.Debit.Owner)) + "03495252" +
		"01" + "0c" + hex.EncodeToString([]byte("989121234567")) + "03495252" +
		"00000000000003e8" + "00000000000003e8" + "01" + fmt.Sprintf("%016x", sealTime.UnixMicro())
	if got := hex.EncodeToString(store.AppendSealed(nil, &one)); got != want {
		t.Errorf("a transfer is sealed as\n%s, want\n%s", got, want)
	}
	first := store.NewSeal(nil, store.AppendPointers(nil, []ledger.Transfer{transferOf("b", 1), transferOf("a", 2), transferOf("a", 1)}), sealTime)
	second := store.NewSeal(first, store.AppendPointers(nil, []ledger.Transfer{transferOf("a", 3)}), sealTime.Add(-time.Hour))
	for _, c := range []struct {
		got  fmt.Stringer
		want string
	}{
		{first.Root, goldenRoot}, {first.MembersHash, goldenMembers}, {first.Hash, goldenFirst}, {second.Hash, goldenSecond},
	} {
		if c.got.String() != c.want {
			t.Errorf("got %s, want %s", c.got, c.want)
		}
	}
	if second.Number != 2 || second.Previous != first.Hash || second.Total != 4 || second.Count != 1 || !second.At.Equal(first.At) {
		t.Errorf("the second seal is %+v", second)
	}
}

// TestATreeIsThatOfTheRFC compares roots with a tree built from RFC 9162's own words.
func TestATreeIsThatOfTheRFC(t *testing.T) {
	t.Parallel()
	var tree func(leaves [][]byte) []byte
	tree = func(leaves [][]byte) []byte {
		if len(leaves) == 1 {
			sum := sha256.Sum256(append([]byte{0}, leaves[0]...))
			return sum[:]
		}
		k := 1
		for 2*k < len(leaves) {
			k *= 2
		}
		sum := sha256.Sum256(slices.Concat([]byte{1}, tree(leaves[:k]), tree(leaves[k:])))
		return sum[:]
	}
	for n := 1; n <= 70; n++ {
		var transfers []ledger.Transfer
		var leaves [][]byte
		for seq := range int64(n) {
			transfers = append(transfers, transferOf("ali", seq+1))
			leaves = append(leaves, store.AppendSealed(nil, &transfers[seq]))
		}
		if got, want := store.NewSeal(nil, store.AppendPointers(nil, transfers), sealTime).Root.String(), hex.EncodeToString(tree(leaves)); got != want {
			t.Fatalf("%d leaves: got %s, want %s", n, got, want)
		}
	}
}

// TestEveryMemberIsInItsSealsHash changes one member of a seal at a time.
func TestEveryMemberIsInItsSealsHash(t *testing.T) {
	t.Parallel()
	s := store.NewSeal(nil, store.AppendPointers(nil, []ledger.Transfer{transferOf("a", 1)}), sealTime)
	for name, change := range map[string]func(s *store.Seal){
		"number": func(s *store.Seal) { s.Number++ }, "previous": func(s *store.Seal) { s.Previous[31]++ },
		"count": func(s *store.Seal) { s.Count++ }, "total": func(s *store.Seal) { s.Total++ },
		"root": func(s *store.Seal) { s.Root[0]++ }, "members": func(s *store.Seal) { s.MembersHash[0]++ },
		"at": func(s *store.Seal) { s.At = s.At.Add(time.Microsecond) },
	} {
		changed := *s
		if change(&changed); changed.Digest() == s.Hash {
			t.Errorf("%s is not in the hash", name)
		}
	}
}

func TestMembersAreReadAsTheyWereWritten(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // the same every time
	for range 300 {
		var transfers []ledger.Transfer
		for range 1 + r.IntN(30) {
			c := transferOf(strings.Repeat("x", r.IntN(3))+strconv.Itoa(r.IntN(9)), int64(r.IntN(6))-1)
			c.Currency = []ledger.Transfer{{Currency: "IRR"}, {Currency: ""}, {Currency: "EUR"}}[r.IntN(3)].Currency
			transfers = append(transfers, c)
		}
		s := store.NewSeal(nil, store.AppendPointers(nil, transfers), sealTime)
		members, err := store.ParseMembers(s.Members)
		if err != nil || int64(len(members)) != s.Count {
			t.Fatalf("%d members, error %v, want %d", len(members), err, s.Count)
		}
		if again := store.AppendMembers(nil, members); !slices.Equal(again, s.Members) {
			t.Fatal("they are not written as they were read")
		}
		if !slices.IsSortedFunc(members, func(a, b store.Member) int { return a.Compare(b.TransferRef) }) {
			t.Fatal("they are not in order")
		}
		for cut := range len(s.Members) { // half a list is none
			if _, err := store.ParseMembers(s.Members[:cut]); err == nil {
				t.Fatalf("the first %d of %d bytes are read", cut, len(s.Members))
			}
		}
	}
}

func TestRefsAreReadAsTheyWereWritten(t *testing.T) {
	t.Parallel()
	refs := []store.TransferRef{{Customer: "b", Currency: "IRR", Seq: 7}, {Customer: "", Currency: "", Seq: -1}, {Customer: "a", Currency: "EUR", Seq: 1 << 62}}
	b := store.AppendRefs(nil, refs...)
	got, err := store.ParseRefs(b)
	if err != nil || !slices.Equal(got, refs) {
		t.Fatalf("got %v, %v", got, err)
	}
	if _, err := store.ParseRefs(b[:len(b)-1]); err == nil {
		t.Error("half a list is read")
	}
}

// FuzzParseMembers holds the reader of what stands in a database to whatever may stand there.
func FuzzParseMembers(f *testing.F) {
	f.Add(store.NewSeal(nil, store.AppendPointers(nil, []ledger.Transfer{transferOf("a", 1), transferOf("ab", 2), transferOf("ab", 3)}), sealTime).Members)
	f.Add([]byte{255, 255, 255, 255, 255, 255, 255, 255, 255, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		members, err := store.ParseMembers(b)
		if err == nil && len(members) > len(b) {
			t.Errorf("%d members in %d bytes", len(members), len(b))
		}
		if refs, err := store.ParseRefs(b); err == nil && len(refs) > len(b) {
			t.Errorf("%d transfers in %d bytes", len(refs), len(b))
		}
	})
}

func TestPublishedSeals(t *testing.T) {
	t.Parallel()
	s := store.NewSeal(nil, store.AppendPointers(nil, []ledger.Transfer{transferOf("a", 1)}), sealTime)
	p, err := store.ParsePublishedSeal(fmt.Sprintf("1:%s", s.Hash))
	if err != nil || p.Number != 1 || p.Hash != s.Hash || p.String() != "1:"+s.Hash.String() {
		t.Fatalf("got %v, %v", p, err)
	}
	for _, wrong := range []string{"", ":", "1", "1:", "0:" + s.Hash.String(), "-1:" + s.Hash.String(), "1:" + s.Hash.String()[1:], "1:" + strings.Repeat("x", 64)} {
		if _, err := store.ParsePublishedSeal(wrong); err == nil || !strings.Contains(err.Error(), "NUMBER:HASH") {
			t.Errorf("%q: %v", wrong, err)
		}
	}
}

// chain is a store's seals and transfers in plain slices.
type chain struct {
	seals     []store.Seal
	transfers map[store.TransferRef]ledger.Transfer
	waiting   map[store.TransferRef]bool
}

func (c *chain) Seals(after int64, limit int) (found []store.Seal, _ error) {
	for _, s := range c.seals {
		if s.Number > after && len(found) < limit {
			found = append(found, s)
		}
	}
	return found, nil
}

func (c *chain) Transfers(refs []store.TransferRef) (found []ledger.Transfer, _ error) {
	for _, r := range refs {
		if t, there := c.transfers[r]; there {
			found = append(found, t)
		}
	}
	return found, nil
}

func (c *chain) EachTransfer(yield func(store.TransferRef)) error {
	for r := range c.transfers {
		yield(r)
	}
	return nil
}

func (c *chain) EachWaiting(yield func(store.TransferRef, bool)) error {
	for r, there := range c.waiting {
		yield(r, there)
	}
	return nil
}

// newChain has 200 seals of three transfers each, and two that wait.
func newChain() *chain {
	c := &chain{transfers: map[store.TransferRef]ledger.Transfer{}, waiting: map[store.TransferRef]bool{}}
	var last *store.Seal
	for n := range int64(200) {
		made := []ledger.Transfer{transferOf("ali", n+1), transferOf("bita", n+1), transferOf("cyrus", n+1)}
		last = store.NewSeal(last, store.AppendPointers(nil, made), sealTime)
		c.seals = append(c.seals, *last)
		for _, t := range made {
			c.transfers[store.RefOf(&t)] = t
		}
	}
	for _, name := range []string{"dara", "emad"} {
		t := transferOf(name, 1)
		c.transfers[store.RefOf(&t)], c.waiting[store.RefOf(&t)] = t, true
	}
	return c
}

func (c *chain) findings(t *testing.T) (found []string) {
	t.Helper()
	_, err := store.CheckSeals(c, func(check, id, detail string) { found = append(found, check+": "+id+": "+detail) })
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func ref(customer string, seq int64) store.TransferRef {
	return store.TransferRef{Customer: customer, Currency: "IRR", Seq: seq}
}

// TestCheckSealsNamesWhatIsWrong breaks a chain in one way at a time.
func TestCheckSealsNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	alter := func(c *chain, r store.TransferRef) {
		changed := c.transfers[r]
		changed.Amount++
		c.transfers[r] = changed
	}
	reseal := func(s *store.Seal) { s.Hash = s.Digest() }
	for name, c := range map[string]struct {
		change func(c *chain)
		want   []string // the beginning of each finding
	}{
		"nothing": {func(*chain) {}, nil},
		"altered, the later one first": {func(c *chain) { alter(c, ref("cyrus", 80)); alter(c, ref("bita", 150)) }, []string{
			"seal_holds_its_transfers: cyrus IRR 80: it is not what seal 80 holds", "seal_holds_its_transfers: bita IRR 150: it is not what seal 150 holds",
		}},
		"removed":  {func(c *chain) { delete(c.transfers, ref("ali", 66)) }, []string{"seal_holds_its_transfers: ali IRR 66: seal 66 holds it, but it is missing"}},
		"inserted": {func(c *chain) { c.transfers[ref("mina", 1)] = transferOf("mina", 1) }, []string{"transfer_is_sealed_or_waiting: mina IRR 1: it stands in no seal"}},
		"removed and inserted": {func(c *chain) {
			delete(c.transfers, ref("ali", 3))
			c.transfers[ref("mina", 1)] = transferOf("mina", 1)
		}, []string{
			"seal_holds_its_transfers: ali IRR 3: seal 3", "transfer_is_sealed_or_waiting: mina IRR 1: it stands in no seal",
		}},
		"swapped": {func(c *chain) {
			a, b := ref("ali", 5), ref("ali", 6)
			c.transfers[a], c.transfers[b] = transferOf("ali", 6), transferOf("ali", 5)
			x, y := c.transfers[a], c.transfers[b]
			x.Seq, y.Seq = 5, 6
			c.transfers[a], c.transfers[b] = x, y
		}, []string{"seal_holds_its_transfers: ali IRR 5: it is not what seal 5", "seal_holds_its_transfers: ali IRR 6: it is not what seal 6"}},
		"gone before it was sealed": {func(c *chain) { delete(c.transfers, ref("dara", 1)); c.waiting[ref("dara", 1)] = false }, []string{
			"transfer_is_sealed_or_waiting: dara IRR 1: it was written and waits to be sealed, but it is missing",
		}},
		"written again":            {func(c *chain) { c.waiting[ref("ali", 9)] = true }, []string{"transfer_is_sealed_or_waiting: ali IRR 9: it stands in seal 9 and waits"}},
		"a seal altered":           {func(c *chain) { c.seals[70].At = sealTime.Add(time.Second) }, []string{"seal_chain_unbroken: seal 71: it is not what its hash says"}},
		"a seal's hash altered":    {func(c *chain) { c.seals[70].Hash[3]++ }, []string{"seal_chain_unbroken: seal 71: it is not what its hash says"}},
		"a seal's total altered":   {func(c *chain) { c.seals[70].Total++ }, []string{"seal_chain_unbroken: seal 71: it is not what its hash says"}},
		"a seal exchanged":         {func(c *chain) { c.seals[70].At = sealTime.Add(time.Second); reseal(&c.seals[70]) }, []string{"seal_chain_unbroken: seal 71: seal 72 was linked to another one"}},
		"a seal's members altered": {func(c *chain) { c.seals[70].Members = slices.Clone(c.seals[69].Members) }, []string{"seal_chain_unbroken: seal 71: its list of transfers"}},
		"a seal removed":           {func(c *chain) { c.seals = slices.Delete(c.seals, 63, 64) }, []string{"seal_chain_unbroken: seal 64: it is missing"}},
		"the first removed":        {func(c *chain) { c.seals = c.seals[1:] }, []string{"seal_chain_unbroken: seal 1: it is missing"}},
		"three removed":            {func(c *chain) { c.seals = slices.Delete(c.seals, 10, 13) }, []string{"seal_chain_unbroken: seal 11: it is missing, and so are those up to 13"}},
		"a seal removed, a row added": {func(c *chain) {
			c.seals = slices.Delete(c.seals, 10, 11)
			c.transfers[ref("mina", 1)] = transferOf("mina", 1)
		}, []string{
			"seal_chain_unbroken: seal 11: it is missing", "transfer_is_sealed_or_waiting: transfers: 4 stand in no seal that can be read; the seals that can't be held 3",
		}},
		"cut off": {func(c *chain) { c.seals = c.seals[:199] }, []string{
			"transfer_is_sealed_or_waiting: ali IRR 200: it stands in no seal", "transfer_is_sealed_or_waiting: bita IRR 200", "transfer_is_sealed_or_waiting: cyrus IRR 200",
		}},
		"sealed twice": {func(c *chain) {
			c.seals = append(c.seals, *store.NewSeal(&c.seals[199], store.AppendPointers(nil, []ledger.Transfer{transferOf("bita", 4)}), sealTime))
		}, []string{"transfer_is_sealed_or_waiting: bita IRR 4: it stands in two seals, 4 and 201"}},
		"a member for another": { // the root of a seal whose list was made to fit its rows
			func(c *chain) {
				alter(c, ref("ali", 200))
				s := &c.seals[199]
				rebuilt := store.NewSeal(&c.seals[198], store.AppendPointers(nil, []ledger.Transfer{c.transfers[ref("ali", 200)], transferOf("bita", 200), transferOf("cyrus", 200)}), sealTime)
				s.Members, s.MembersHash = rebuilt.Members, rebuilt.MembersHash
				reseal(s)
			}, []string{"seal_holds_its_transfers: seal 200: its transfers do not come to its root"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			chain := newChain()
			c.change(chain)
			found := chain.findings(t)
			if len(found) != len(c.want) {
				t.Fatalf("got %q, want %q", found, c.want)
			}
			for i, want := range c.want {
				if !strings.HasPrefix(found[i], want) {
					t.Errorf("got %q, want %q", found[i], want)
				}
			}
		})
	}
}

// TestManyFindingsAreCounted bounds what is told of a store that has nothing left.
func TestManyFindingsAreCounted(t *testing.T) {
	t.Parallel()
	c := newChain()
	clear(c.transfers)
	c.waiting = nil
	for n := range int64(250) {
		c.transfers[ref("mina", n+1)] = transferOf("mina", n+1)
	}
	found := c.findings(t)
	if len(found) != 202 || !strings.HasPrefix(found[0], "seal_holds_its_transfers: ali IRR 1:") || !strings.Contains(found[200], "and 500 more") ||
		!strings.HasPrefix(found[100], "transfer_is_sealed_or_waiting: mina IRR 1:") || !strings.Contains(found[201], "and 150 more") {
		t.Errorf("%d findings: %q … %q", len(found), found[0], found[len(found)-2:])
	}
}
