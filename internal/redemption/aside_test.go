package redemption_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"scrip/internal/fault"
	"scrip/internal/redemption"
	"scrip/internal/store"
)

// lockWait is how long the store of these tests waits for a lock.
const lockWait = 2 * time.Second

// locks is a hook of a store in which others hold the campaigns of some codes.
type locks struct {
	mu    sync.Mutex
	freed map[string]chan struct{} // by the key of a code
}

// hold locks a code's campaign until the returned function is called.
func (l *locks) hold(key string) (free func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.freed == nil {
		l.freed = make(map[string]chan struct{})
	}
	c := make(chan struct{})
	l.freed[key] = c
	return sync.OnceFunc(func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.freed, key)
		close(c)
	})
}

func (l *locks) hook(apply func() ([]store.Outcome, error), cmds []store.Command) ([]store.Outcome, error) {
	wait := time.After(lockWait)
	for _, command := range cmds {
		c, ok := command.(*store.Redeem)
		if !ok {
			continue
		}
		l.mu.Lock()
		freed := l.freed[c.Code]
		l.mu.Unlock()
		if freed == nil {
			continue
		}
		select {
		case <-freed:
		case <-wait:
			return nil, fmt.Errorf("%w: %w: %s", store.ErrNotApplied, store.ErrLocked, c.Code)
		}
	}
	return apply()
}

// ordered asks in the background and returns what will be the verdict.
func (r *rig) ordered(code, who string) <-chan error {
	verdict := make(chan error, 1)
	go func() {
		_, err := r.ask(code, who)
		verdict <- err
	}()
	return verdict
}

// A lock on one campaign costs the others one wait for it; then they go on as if it were not there, while its own are told
// to come again. The first after the lock's end takes it.
func TestALockStopsItsOwnCampaignOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		r := newRig(t, redemption.Config{Log: slog.New(slog.NewTextHandler(&log, nil))})
		held := r.code("salam", 1000)
		r.code("nowruz", 1000)
		var l locks
		r.hook = l.hook
		release := l.hold(held.Key)
		began := time.Now()
		both := r.RedeemAll(t.Context(), []redemption.Request{{Code: "salam", Customer: "ali"}, {Code: "nowruz", Customer: "bita"}})
		if took := time.Since(began); both[1].Err != nil || took > 2*lockWait {
			t.Errorf("a batch of both: %v after %v", both[1].Err, took)
		}
		if err := both[0].Err; !errors.Is(err, fault.ErrStoreUnavailable) || !errors.Is(err, store.ErrLocked) {
			t.Errorf("of the locked campaign: %v", err)
		}
		waits := r.ordered("salam", "cyrus")
		synctest.Wait()
		for n := range 100 { // while one waits for the lock, nobody else does
			began := time.Now()
			r.wins("nowruz", fmt.Sprintf("c%d", n), int64(n+2))
			r.loses("salam", fmt.Sprintf("c%d", n), fault.ErrStoreUnavailable)
			if took := time.Since(began); took > 0 {
				t.Fatalf("round %d took %v", n, took)
			}
		}
		if err := <-waits; !errors.Is(err, fault.ErrStoreUnavailable) {
			t.Errorf("the one that waited: %v", err)
		}
		waits = r.ordered("salam", "dara")
		synctest.Wait()
		release()
		if err := <-waits; err != nil {
			t.Errorf("the lock was released: %v", err)
		}
		r.wins("salam", "ali", 2)
		if r.Failing() != nil {
			t.Error("a lock counts as a failure of the store")
		}
		if text := log.String(); strings.Count(text, "\n") != 2 || !strings.Contains(text, "level=WARN") || !strings.Contains(text, "the lock is free") {
			t.Errorf("log:\n%s", text)
		}
		r.clean()
	})
}

// A campaign's first group is under way for as long as the store waits; its free neighbours are not held by then.
func TestWhoWasInABatchWithALock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, redemption.Config{})
		held := r.code("salam", 10)
		r.code("nowruz", 10)
		first := r.wins("nowruz", "zal", 1)
		var l locks
		r.hook = l.hook
		defer l.hold(held.Key)()
		waits := r.ordered("salam", "ali")
		synctest.Wait()
		began := time.Now()
		behind := []<-chan error{r.ordered("nowruz", "bita"), r.ordered("nowruz", "cyrus"), r.ordered("salam", "dara")}
		for _, v := range behind[:2] {
			if err := <-v; err != nil {
				t.Errorf("behind a lock: %v", err)
			}
		}
		if took := time.Since(began); took > lockWait+time.Second/2 {
			t.Errorf("it took %v", took)
		}
		if _, err := r.Rollback(t.Context(), redemption.RollbackRequest{Redemption: first.ID}); err != nil {
			t.Errorf("a rollback in a free campaign: %v", err)
		}
		for _, v := range []<-chan error{waits, behind[2]} {
			if err := <-v; !errors.Is(err, fault.ErrStoreUnavailable) {
				t.Errorf("of the locked campaign: %v", err)
			}
		}
		if took := time.Since(began); took > 2*lockWait+time.Second/2 {
			t.Errorf("the last word came after %v", took)
		}
		r.clean()
	})
}

// However many campaigns are locked at once, all of their callers hear so while they are there, and the free one is redeemed.
func TestManyLockedCampaigns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, redemption.Config{})
		var l locks
		var rs []redemption.Request
		for n := range 20 {
			code := fmt.Sprintf("code%d", n)
			l.hold(r.code(code, 10).Key)
			rs = append(rs, redemption.Request{Code: code, Customer: "ali"})
		}
		r.code("nowruz", 10)
		r.hook = l.hook
		began := time.Now()
		for i, v := range r.RedeemAll(t.Context(), rs) {
			if !errors.Is(v.Err, fault.ErrStoreUnavailable) {
				t.Errorf("%d: %v", i, v.Err)
			}
		}
		if took := time.Since(began); took > 3*lockWait {
			t.Errorf("it took %v", took)
		}
		began = time.Now()
		r.wins("nowruz", "ali", 1)
		if took := time.Since(began); took > 0 {
			t.Errorf("the free one took %v", took)
		}
	})
}

// Nobody asks for a campaign that was held: it is forgotten. And an end of the service waits for a group.
func TestAHoldEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, redemption.Config{})
		held := r.code("salam", 10)
		var l locks
		r.hook = l.hook
		release := l.hold(held.Key)
		r.loses("salam", "ali", fault.ErrStoreUnavailable)
		release()
		time.Sleep(time.Minute)
		r.wins("salam", "ali", 1)
		defer l.hold(held.Key)()
		waits := r.ordered("salam", "bita")
		time.Sleep(lockWait + lockWait/2)
		if err := r.Close(context.Background()); err != nil {
			t.Error(err)
		}
		select {
		case err := <-waits:
			if !errors.Is(err, fault.ErrStoreUnavailable) {
				t.Error(err)
			}
		default:
			t.Error("the service ended before a group did")
		}
		r.clean()
	})
}

// A caller who leaves a group is told that its fate is open.
func TestALeaverOfAGroup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, redemption.Config{})
		held := r.code("salam", 10)
		var l locks
		r.hook = l.hook
		defer l.hold(held.Key)()
		ctx, cancel := context.WithTimeout(t.Context(), lockWait+time.Second)
		defer cancel()
		if _, err := r.Redeem(ctx, redemption.Request{Code: "salam", Customer: "ali"}); !errors.Is(err, fault.ErrTimeout) {
			t.Errorf("got %v", err)
		}
	})
}

// A panic of the store in a group is its commands' fault, not the process's.
func TestAPanicInAGroup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, redemption.Config{})
		r.code("salam", 10)
		calls := 0
		r.hook = func(apply func() ([]store.Outcome, error), _ []store.Command) ([]store.Outcome, error) {
			calls++
			switch calls {
			case 1:
				return nil, fmt.Errorf("%w: %w", store.ErrNotApplied, store.ErrLocked)
			case 2:
				panic("a defect")
			default:
				return apply()
			}
		}
		r.loses("salam", "ali", fault.ErrStoreUnavailable)
		r.wins("salam", "ali", 1)
	})
}
