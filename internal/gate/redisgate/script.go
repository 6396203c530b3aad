package redisgate

import (
	"context"
	"crypto/sha1" //nolint:gosec // by this does Redis name a script
	_ "embed"
	"encoding/hex"
	"strconv"
	"time"

	"github.com/redis/rueidis"
)

// The functions that run within Redis, each in one step that nobody sees the middle of.
var (
	//go:embed forward.lua
	forwardText string
	//go:embed raise.lua
	raiseText string
	//go:embed forget.lua
	forgetText string
	//go:embed hold.lua
	holdText string
)

// keepFor is how long an entry lives after it was last written: longer than a code rests while it is in use,
// and short enough that a million codes of one use each do not stay.
const keepFor = time.Hour

// keepText is keepFor, as the functions take it.
func keepText() string { return strconv.FormatInt(keepFor.Milliseconds(), 10) }

// call is one run of a function. Its keys are of one slot.
type call struct {
	script string
	keys   []string
	args   []string
}

// run runs functions, all in one exchange, and returns one result each, in order. A server that does
// not know a function is sent its text.
func run(ctx context.Context, c rueidis.Client, calls []call) []rueidis.RedisResult {
	commands := make(rueidis.Commands, 0, len(calls))
	for _, r := range calls {
		commands = append(commands, c.B().Evalsha().Sha1(nameOf(r.script)).Numkeys(int64(len(r.keys))).Key(r.keys...).Arg(r.args...).Build())
	}
	results := c.DoMulti(ctx, commands...)
	var again []int
	commands = commands[:0:0] // Do has the others
	for i, result := range results {
		if refused, ok := rueidis.IsRedisErr(result.Error()); ok && refused.IsNoScript() {
			again = append(again, i)
			r := calls[i]
			commands = append(commands, c.B().Eval().Script(r.script).Numkeys(int64(len(r.keys))).Key(r.keys...).Arg(r.args...).Build())
		}
	}
	if len(again) > 0 {
		for n, result := range c.DoMulti(ctx, commands...) {
			results[again[n]] = result
		}
	}
	return results
}

func nameOf(script string) string {
	sum := sha1.Sum([]byte(script)) //nolint:gosec // by this does Redis name a script
	return hex.EncodeToString(sum[:])
}
