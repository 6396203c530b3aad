package redisgate_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
	"time"

	"scrip/internal/gate"
	"scrip/internal/gate/redisgate"
	"scrip/internal/voucher"
)

// trial is a test whose failure is wanted.
type trial struct {
	testing.TB
	said string // why it failed
}

func (t *trial) Helper() {}

func (t *trial) Error(args ...any) { t.said = fmt.Sprint(args...) }

func (t *trial) Fatal(args ...any) {
	t.said = fmt.Sprint(args...)
	runtime.Goexit()
}

func (t *trial) Fatalf(format string, args ...any) {
	t.said = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

// ageless is a gate that counts a fact's age from its arrival instead of from the question.
type ageless struct {
	gate.Gate
	now func() time.Time
}

func (g ageless) Settle(_ time.Time, facts ...voucher.Fact) { g.Gate.Settle(g.now(), facts...) }

// The differential test finds a gate that refuses by what is too old or is no longer so, and a function that goes back.
func TestDifferentialBites(t *testing.T) {
	th := newTheatre(t)
	for name, spoil := range map[string]func(*tale){
		"nothing is wrong": func(*tale) {},
		"a fact is as old as its arrival": func(s *tale) {
			s.gates[0].Gate = ageless{s.gates[0].Gate, s.clock.Now}
		},
		"an older version is written": func(s *tale) {
			s.text = strings.Replace(redisgate.ForwardText, "if less(new.sum, old.sum) then return 0 end", "if less(new.sum, old.sum) then return write_all() end", 1)
		},
		"what is left rises": func(s *tale) {
			s.text = strings.Replace(redisgate.ForwardText, "return less(left, old)", "return true", 1)
		},
	} {
		t.Run(name, func(t *testing.T) {
			found := ""
			for n := range byte(50) {
				bytes := make([]byte, 700)
				_, _ = rand.NewChaCha8([32]byte{n, 1}).Read(bytes) // it never fails
				probe := &trial{TB: t}
				done := make(chan struct{})
				go func() {
					defer close(done)
					s := th.begin(probe, bytes)
					defer s.end()
					spoil(s)
					s.play()
				}()
				<-done
				if found = probe.said; found != "" {
					break
				}
			}
			if wanted := name != "nothing is wrong"; (found != "") != wanted {
				t.Errorf("found %q", found)
			}
		})
	}
}
