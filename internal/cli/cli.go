// Package cli is the command line of Scrip: one grammar, one way to print an answer for people and one
// for scripts (--json), and exit codes that a script can rely on.
//
// It talks to a running server through the public SDK alone, as any program of a customer would, and
// starts, migrates and verifies through package app. It must not know the store.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"reflect"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"scrip/internal/config"
)

// Process is what a command gets from the process that it runs in.
type Process struct {
	Args    []string // without the program's name
	Stdin   io.Reader
	Stdout  io.Writer
	Stderr  io.Writer
	Version string // empty: what the build knows
}

// grammar is the command line. Its help texts are the manual.
type grammar struct {
	JSON bool        `name:"json" help:"Answer with one JSON document on stdout, and with a JSON problem on stderr."`
	Tell versionFlag `name:"version" help:"Show the version, as scrip version does."`

	Serve       serveCmd       `cmd:"" help:"Run the server."`
	Ping        pingCmd        `cmd:"" help:"Ask a running server whether it takes requests."`
	Code        codeCmd        `cmd:"" help:"Make and look after codes, on a running server."`
	Redeem      redeemCmd      `cmd:"" help:"Use a code for a customer, on a running server."`
	Wallet      walletCmd      `cmd:"" help:"Look into wallets, on a running server."`
	Key         keyCmd         `cmd:"" help:"Make and look after the keys of those who may call."`
	AuditEvents auditEventsCmd `cmd:"" name:"audit-events" help:"Look who changed what, on a running server."`
	Seal        sealCmd        `cmd:"" help:"Look at the seals of the ledger, on a running server."`
	Stampede    stampedeCmd    `cmd:"" help:"Rehearse: flood a running server with customers and prove the outcome."`
	Verify      verifyCmd      `cmd:"" help:"Recompute every invariant from the database and say what is wrong."`
	Copy        copyCmd        `cmd:"" help:"Move up: carry everything from one store into another, exactly."`
	Backup      backupCmd      `cmd:"" help:"Back the embedded store up, beside a running server."`
	Restore     restoreCmd     `cmd:"" help:"Make a data folder from a backup, and verify it."`
	Migrate     migrateCmd     `cmd:"" help:"Bring the database to this version's schema."`
	Config      configCmd      `cmd:"" help:"Show the server's configuration, without its secrets."`
	Version     versionCmd     `cmd:"" help:"Show the version."`
}

const description = `Scrip redeems charge codes and discount codes into wallets, exactly and durably, while everybody presses the button at once.

Begin with: scrip serve --demo

Flags win over the environment, and the environment over a file .env in the working directory.

Exit codes:
  0  done
  1  the answer is no: refused, not found, verify found something, a stampede was not exact
  2  the command line, the configuration or the database is wrong
  3  the server can't be reached, or says to come again
  4  something failed that should not`

// command is what a command's Run gets.
type command struct {
	Process
	//nolint:containedctx // kong calls Run with one value; this is its argument list
	ctx    context.Context
	json   bool
	parsed *kong.Context
}

// Run runs one command and returns its exit code.
func Run(ctx context.Context, p Process) (code int) {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // from then on a second signal ends the process at once
	c := &command{Process: p, ctx: ctx, json: wantsJSON(p.Args)}
	defer func() {
		if ended, ok := recover().(helpShown); ok {
			code = int(ended)
		}
	}()
	g := &grammar{}
	dotEnv, wrongEnv := config.LoadDotEnv(".env")
	parser, err := newParser(g, c, dotEnv)
	if err != nil {
		return c.fail(err)
	}
	parsed, err := parser.Parse(p.Args)
	if err != nil {
		return c.fail(asUsage(err))
	}
	c.json, c.parsed = g.JSON, parsed
	if wrongEnv != nil && parsed.Command() != "version" { // that, and --help, are what one looks for help with
		return c.fail(usageError{wrongEnv})
	}
	if err := refuseEmpty(parsed); err != nil {
		return c.fail(err)
	}
	return c.fail(parsed.Run(c))
}

// helpShown carries the exit code out of the parser, which would end the process after --help and --version.
type helpShown int

func newParser(g *grammar, c *command, dotEnv map[string]string) (*kong.Kong, error) {
	for _, key := range config.UnknownKeys(dotEnv) {
		if c.json {
			break // stderr is for one JSON problem
		}
		_, _ = fmt.Fprintf(c.Stderr, "scrip: .env: %s means nothing here; look for a slip\n", key)
	}
	return kong.New(g,
		kong.Name("scrip"),
		kong.Description(description),
		kong.Writers(c.Stdout, c.Stderr),
		kong.Exit(func(code int) { panic(helpShown(code)) }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, FlagsLast: true, WrapUpperBound: 100}),
		kong.Resolvers(fromDotEnv(dotEnv)),
		kong.TypeMapper(reflect.TypeFor[*time.Time](), kong.MapperFunc(timeOf)),
		kong.Vars{"url": defaultURL},
		kong.Bind(c), // for --version
	)
}

// fromDotEnv resolves flags by the file, where neither the command line nor the environment has them.
func fromDotEnv(file map[string]string) kong.Resolver {
	return kong.ResolverFunc(func(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
		for _, name := range flag.Envs {
			if value, ok := os.LookupEnv(name); ok {
				return value, nil
			}
			if value, ok := file[name]; ok {
				return value, nil
			}
		}
		return nil, nil // kong's way to say that there is none
	})
}

// wantsJSON looks for --json before the command line is parsed, so that its own errors obey it too.
func wantsJSON(args []string) bool {
	for _, a := range args {
		if a == "--" {
			return false
		}
		if a == "--json" || a == "--json=true" {
			return true
		}
	}
	return false
}

// asUsage marks an error of the parser as one of the command line, with a hint at the right help.
func asUsage(err error) error {
	var parse *kong.ParseError
	hint := "scrip --help"
	if errors.As(err, &parse) && parse.Context != nil && parse.Context.Selected() != nil {
		hint = "scrip " + strings.TrimPrefix(parse.Context.Selected().FullPath(), "scrip ") + " --help"
	}
	return usageError{fmt.Errorf("%s; see %s", withEnv(plainly(err.Error())), hint)}
}

// withEnv adds the environment variable of the flag that an error begins with: the wrong value may have
// come from there.
func withEnv(text string) string {
	flag, rest, found := strings.Cut(strings.TrimPrefix(text, "--"), ": ")
	if !found || !strings.HasPrefix(text, "--") {
		return text
	}
	for _, s := range config.Default().Dump() {
		if s.Name == flag {
			return fmt.Sprintf("--%s (%s): %s", flag, s.Env, rest)
		}
	}
	return text
}
