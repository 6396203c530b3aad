package redisgate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/redis/rueidis"

	"scrip/internal/id"
	"scrip/internal/redislink"
	"scrip/internal/voucher"
)

const (
	probeEvery = time.Second            // while Redis is there
	retryEvery = 250 * time.Millisecond // while it is away
	failingMax = 16                     // slots that must work again before Redis is said to be back
	// A Redis that fails within steadyMin probes of being back is tried after twice the time, at most
	// flapsMax times twice: four seconds.
	steadyMin = 10
	flapsMax  = 4
	probeFor  = "10000" // milliseconds that what a probe has written lives

	// The buffers of a connection, and of what waits for an answer on it: batches of some 100 KB.
	connBufferBytes = 1 << 16
	ringScale       = 8
	sentinelEvery   = 5 * time.Second // at which sentinels and clusters are asked who is who
	movedMax        = 3
)

// state is what is known of Redis.
type state uint8

const (
	stateStarting state = iota
	stateUp
	stateDown
)

// link is the connection to Redis and whether it works. What has failed must work again, in the same slot,
// before Redis is up again: so one line is logged when it goes away and one when it is back.
type link struct {
	options rueidis.ClientOption
	timeout time.Duration // for one exchange with Redis, and to connect
	names   names
	token   string
	log     *slog.Logger
	observe Observer
	dialer  *redislink.Dialer

	up     atomic.Bool
	client atomic.Pointer[rueidis.Client]
	kick   chan struct{} // holds one when something has failed

	mu       sync.Mutex
	state    state
	failing  map[string]struct{} // tags in whose slots something has failed
	failures int
	probes   int64
}

func newLink(o rueidis.ClientOption, timeout time.Duration, n names, token string, log *slog.Logger, observe Observer) *link {
	l := &link{
		timeout: timeout, names: n, token: token, log: log, observe: observe, dialer: redislink.NewDialer(),
		kick: make(chan struct{}, 1), failing: make(map[string]struct{}),
	}
	o.DialCtxFn = l.dialer.Dial
	o.Dialer.Timeout = timeout
	o.ConnWriteTimeout = timeout
	o.Sentinel.Dialer.Timeout = timeout
	o.Sentinel.TopologyRefreshInterval = 0
	if o.Sentinel.MasterSet != "" {
		o.Sentinel.TopologyRefreshInterval = sentinelEvery
	}
	o.ClusterOption.ShardsRefreshInterval = sentinelEvery
	o.ClusterOption.MaxMovedRedirections = movedMax
	o.DisableRetry = true // what fails is news of the last second: the next will do
	o.PipelineMultiplex = -1
	o.ReadBufferEachConn, o.WriteBufferEachConn, o.RingScaleEachConn = connBufferBytes, connBufferBytes, ringScale
	o.ClientName = "scrip"
	// Only the reads of watched keys are tracked; and what is read is kept in the local gate alone.
	o.ClientTrackingOptions = []string{"OPTIN"}
	o.NewCacheStoreFn = func(rueidis.CacheStoreOption) rueidis.CacheStore { return noCache{} }
	l.options = o
	return l
}

// keep connects, and says whether Redis is up, until ctx ends. It calls back whenever Redis is up again.
func (l *link) keep(ctx context.Context, back func()) {
	steady, flaps := 0, 0 // probes that worked since Redis was back, and how often it went away soon after
	for ctx.Err() == nil {
		l.check(ctx, back)
		if l.up.Load() {
			steady++
			wait(ctx, probeEvery, l.kick)
		}
		if l.up.Load() {
			continue
		}
		pause := retryEvery
		if steady > 0 { // it has just gone away
			flaps++
			if steady >= steadyMin {
				flaps = 0
			}
			steady = 0
			pause <<= min(flaps, flapsMax)
		}
		wait(ctx, pause, nil)
	}
}

// wait returns after a while, or at a kick, or when ctx ends.
func wait(ctx context.Context, d time.Duration, kick <-chan struct{}) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-kick:
	case <-timer.C:
	}
}

// check connects if need be, and tries whether all works that must.
func (l *link) check(ctx context.Context, back func()) {
	if l.client.Load() == nil {
		c, err := rueidis.NewClient(l.options)
		if err != nil {
			if c != nil {
				c.Close()
			}
			l.failed(ctx, err, "")
			return
		}
		l.client.Store(&c)
	}
	l.mu.Lock()
	failures := l.failures
	tags := make([]string, 0, failingMax)
	for tag := range l.failing {
		tags = append(tags, tag)
	}
	l.mu.Unlock()
	if len(tags) == 0 {
		tags = append(tags, l.token)
	}
	for _, tag := range tags {
		if err := l.probe(ctx, tag); err != nil {
			l.failed(ctx, err, tag)
			return
		}
	}
	if l.worked(ctx, failures) {
		back()
	}
}

// probe does in a slot what publishing and hearing do there.
func (l *link) probe(ctx context.Context, tag string) error {
	l.probes++
	terms, left := l.names.probe(tag, l.token)
	value := encodeTerms(&voucher.Fact{
		Key: l.token, Voucher: id.ID{1}, Version: voucher.Version{Voucher: l.probes},
		Status: voucher.Open, At: time.UnixMicro(l.probes),
	})
	written := l.do(ctx, []call{{forwardText, []string{terms, left}, []string{value, strconv.FormatInt(l.probes, 10), probeFor}}})
	if written[0] != nil {
		return written[0]
	}
	return l.readTracked(ctx, []string{terms})[0].err // what was written may be flushed by now
}

// failed takes note of an error of Redis, in a slot if there is a tag. It logs the first one.
func (l *link) failed(ctx context.Context, err error, tag string) {
	if ctx.Err() != nil || errors.Is(err, redislink.ErrClosed) {
		return
	}
	l.observe.RedisCounted(EventError, 1)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.failures++
	if tag != "" && tag != l.token && len(l.failing) < failingMax {
		l.failing[tag] = struct{}{}
	}
	if l.state != stateDown {
		l.state = stateDown
		l.up.Store(false)
		l.observe.RedisUp(false)
		l.log.WarnContext(ctx, "redis is away; requests go on, and each replica learns by itself", "err", explain(err, l.options.TLSConfig != nil))
	}
	select {
	case l.kick <- struct{}{}:
	default:
	}
}

// worked takes note that all works, unless something has failed since failures was read. It reports
// whether Redis was away before.
func (l *link) worked(ctx context.Context, failures int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.failures != failures || l.state == stateUp {
		return false
	}
	l.state = stateUp
	clear(l.failing)
	l.up.Store(true)
	l.observe.RedisUp(true)
	l.log.InfoContext(ctx, "redis is there; replicas share what they learn")
	return true
}

// close ends the connections, whatever waits for an answer.
func (l *link) close() { l.dialer.Close() }

// end frees the client, after run has returned.
func (l *link) end() {
	if c := l.client.Load(); c != nil {
		(*c).Close()
	}
}

// explain adds to an error what can be done about it. secure says that Redis is asked through TLS.
func explain(err error, secure bool) error {
	if errors.Is(err, rueidis.ErrNoCache) {
		return fmt.Errorf("the server has no client tracking over RESP3, or does not allow it; use Redis 6 or newer, and a user who may use CLIENT: %w", err)
	}
	if refused, ok := rueidis.IsRedisErr(err); ok {
		if _, moved := refused.IsMoved(); moved {
			return fmt.Errorf("the server is one of a cluster; write redis+cluster:// in its URL: %w", err)
		}
	}
	network, ok := errors.AsType[net.Error](err)
	other := "rediss://, if it takes TLS only"
	if secure {
		other = "redis://, if it takes no TLS"
	}
	switch {
	case ok && network.Timeout():
		return fmt.Errorf("no answer in time; look whether Redis runs and is not held up, whether the network lets it answer, and whether its URL should begin with %s: %w", other, err)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET):
		return fmt.Errorf("the connection was ended; if it never worked, look whether the host and the port in the URL are those of Redis, and whether it should begin with %s: %w", other, err)
	default:
		return err
	}
}
