package redisgate_test

import (
	"context"
	"encoding/binary"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"scrip/internal/gate"
	"scrip/internal/gate/memgate"
	"scrip/internal/gate/redisgate"
	"scrip/internal/id"
	"scrip/internal/store"
	"scrip/internal/store/memstore"
	"scrip/internal/store/sqlitestore"
	"scrip/internal/testenv"
	"scrip/internal/voucher"
)

// The differential test plays one story, drawn from bytes, on everything that counts uses:
//
//	the reference store and the SQLite store   every outcome and all that can be read is equal
//	the function in a real Redis               does what its model in Go does (written), only forward, and holds
//	                                           what the store says once it was told that
//	the local gate and two replicas            refuse nobody whom the store would not have refused alike at some
//	                                           moment of the last second, nor by less than they were told
//
// Facts are asked, judged, delivered, published and heard late, out of order, twice or never; Redis is flushed, falls back
// to an old copy and holds garbage; the store's clock differs from the replicas' and drifts as much as is allowed.
// The replicas work in the background with a Redis that is not there, so that nothing happens but what the story tells.

// The story's world is small, so that what happens in it meets.
const (
	storyVouchers  = 2
	storyCustomers = 3
	storyReplicas  = 2
	storyStepsMax  = 400
)

// theatre is what all stories share: each has codes, customers and a time of its own.
type theatre struct {
	client  rueidis.Client
	prefix  string
	file    *sqlitestore.Store
	stories atomic.Int64
	now     atomic.Pointer[func() time.Time] // the store's clock in the present story
}

func newTheatre(tb testing.TB) *theatre {
	tb.Helper()
	server := testenv.SharedRedis(tb)
	client, err := rueidis.NewClient(rueidis.ClientOption{
		InitAddress: []string{server.Addr()}, DisableCache: true, ForceSingleClient: true, RingScaleEachConn: 8,
	})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(client.Close)
	th := &theatre{client: client, prefix: newPrefix()}
	th.setClock(func() time.Time { return newClock().now })
	th.file, err = sqlitestore.Open(tb.Context(), sqlitestore.Config{
		Path: filepath.Join(quickFolder(tb), "scrip.db"), Clock: func() time.Time { return (*th.now.Load())() }, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := th.file.Close(); err != nil {
			tb.Error(err)
		}
	})
	return th
}

func (th *theatre) setClock(now func() time.Time) { th.now.Store(&now) }

// quickFolder is in memory where that can be had: a story commits a hundred times, and durability is not its subject.
func quickFolder(tb testing.TB) string {
	tb.Helper()
	const memory = "/dev/shm"
	folder, err := os.MkdirTemp(memory, "scrip-stories") //nolint:usetesting // there, and not in the test's own
	if err != nil {
		return tb.TempDir()
	}
	tb.Cleanup(func() { _ = os.RemoveAll(folder) })
	return folder
}

// tale is one history.
type tale struct {
	testing.TB
	*theatre
	number int64
	dice   dice

	clock *clock // the replicas'
	dawn  time.Time
	skew  time.Duration // how far the store's clock is ahead at the beginning
	drift time.Duration // and by how much more for each driftOf that passes

	model store.Store
	gates []*told
	text  string // of the function in Redis
	redis [storyVouchers]shelf
	stale []copied // what Redis held once

	campaign id.ID
	vouchers [storyVouchers]id.ID
	ids      uint64
	won      []id.ID // redemptions
	ever     [storyVouchers][storyCustomers]bool

	past      []epoch
	questions []*lookUp
	readings  []reading
}

// driftOf is the time within which clocks differ by one millisecond more, at most.
const driftOf = time.Second

// told is a gate with the newest that reached it.
type told struct {
	gate.Gate
	replica *redisgate.Gate // nil for the local gate
	news    [storyVouchers]moment
	said    moment // of the campaign
}

// shelf is what Redis holds of a voucher's code, by the model.
type shelf struct {
	written
	lied   bool         // it holds what the store never said
	newest voucher.Fact // the furthest that was seen since something else than facts befell it
}

// copied is what a server falls back to.
type copied struct {
	voucher     int
	terms, left string
	written     written
	lied        bool
}

func (th *theatre) begin(t testing.TB, bytes []byte) *tale {
	t.Helper()
	s := &tale{TB: t, text: redisgate.ForwardText, theatre: th, number: th.stories.Add(1), dice: dice{bytes}, clock: newClock()}
	s.clock.pass(time.Duration(s.number) * 24 * time.Hour) // after all that the file has seen
	s.dawn = s.clock.Now()
	s.skew = time.Duration(s.dice.pick(7)-3) * 7 * time.Minute
	s.drift = time.Duration(s.dice.pick(3)-1) * time.Millisecond
	s.model = memstore.New(memstore.Options{Clock: s.storeNow})
	th.setClock(s.storeNow)
	s.open()
	s.firstCampaign()
	return s
}

// open makes the gates. The replicas' own Redis is away.
func (s *tale) open() {
	s.Helper()
	for n := range 1 + storyReplicas {
		local, err := memgate.New(memgate.Config{Clock: s.clock.Now})
		if err != nil {
			s.Fatal(err)
		}
		g := &told{Gate: local}
		if n > 0 {
			g.replica, err = redisgate.New(s.Context(), redisgate.Config{
				URL: "redis://127.0.0.1:1", Clock: s.clock.Now, Log: slog.New(slog.DiscardHandler),
			}, local)
			if err != nil {
				s.Fatal(err)
			}
			g.Gate = g.replica
		}
		s.gates = append(s.gates, g)
	}
}

func (s *tale) end() {
	s.Helper()
	for _, g := range s.gates {
		if err := g.Close(); err != nil {
			s.Error(err)
		}
	}
}

// say tells what happens, for whoever runs one story with -v.
func (s *tale) say(format string, args ...any) {
	s.Helper()
	if testing.Verbose() {
		s.Logf("%9s  "+format, append([]any{s.clock.Now().Sub(s.dawn)}, args...)...)
	}
}

// storeNow is the store's clock.
func (s *tale) storeNow() time.Time { return s.storeAt(s.clock.Now()) }

func (s *tale) storeAt(replicas time.Time) time.Time {
	passed := replicas.Sub(s.dawn)
	return replicas.Add(s.skew + time.Duration(int64(passed/driftOf)*int64(s.drift)+int64(passed%driftOf)*int64(s.drift)/int64(driftOf))).Truncate(time.Microsecond)
}

// code and customer are this story's own.
func (s *tale) code(i int) string {
	return "S" + strconv.FormatInt(s.number, 10) + "V" + strconv.Itoa(i)
}

func (s *tale) customer(i int) string {
	return "s" + strconv.FormatInt(s.number, 10) + "c" + strconv.Itoa(i)
}

// id is a fresh one, also for the file that remembers the other stories.
func (s *tale) id() id.ID {
	s.ids++
	var i id.ID
	binary.BigEndian.PutUint64(i[:8], uint64(s.number)<<16|7<<12) //nolint:gosec // counts from one
	binary.BigEndian.PutUint64(i[8:], s.ids|1<<63)
	return i
}

// run asks Redis, all in one exchange, and returns each answer as text, "" for nothing and for what is no text.
func (s *tale) run(commands ...rueidis.Completed) []string {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), time.Minute)
	defer cancel()
	answers := make([]string, len(commands))
	for i, r := range s.client.DoMulti(ctx, commands...) {
		refused, bad := rueidis.IsRedisErr(r.Error())
		if rueidis.IsRedisNil(r.Error()) || bad && strings.HasPrefix(refused.Error(), "WRONGTYPE") {
			continue
		}
		message, err := r.ToMessage()
		if err != nil {
			s.Fatalf("command %d of %d: %v", i+1, len(commands), err)
		}
		if n, err := message.AsInt64(); err == nil && message.IsInt64() {
			answers[i] = strconv.FormatInt(n, 10)
			continue
		}
		if answers[i], err = message.ToString(); err != nil {
			s.Fatalf("command %d of %d: %v", i+1, len(commands), err)
		}
	}
	return answers
}

// dice makes choices of bytes. When they are used up it always chooses the first.
type dice struct{ bytes []byte }

func (d *dice) pick(n int) int {
	if len(d.bytes) == 0 {
		return 0
	}
	b := d.bytes[0]
	d.bytes = d.bytes[1:]
	return int(b) % n
}

func (d *dice) coin() bool { return d.pick(2) == 1 }
