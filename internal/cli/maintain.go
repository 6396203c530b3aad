package cli

import (
	"io"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/alecthomas/kong"

	"scrip/internal/app"
	"scrip/internal/config"
)

// database is which database a command works on: the server's own settings.
type database struct {
	Data            string `name:"data" env:"SCRIP_DATA" default:"./data" placeholder:"DIR" help:"Directory of the embedded store."`
	DatabaseURL     string `name:"database-url" env:"SCRIP_DATABASE_URL" placeholder:"URL" help:"PostgreSQL to use instead of the embedded store."`
	DatabaseURLFile string `name:"database-url-file" env:"SCRIP_DATABASE_URL_FILE" placeholder:"PATH" help:"File that holds --database-url, such as a Docker secret."`
}

func (d *database) config(c *command) (config.Config, error) {
	if c.given("data") && (d.DatabaseURL != "" || d.DatabaseURLFile != "") {
		return config.Config{}, usage("--data is given, and so is --database-url (SCRIP_DATABASE_URL) or --database-url-file (SCRIP_DATABASE_URL_FILE): leave one of them out")
	}
	cfg := config.Default()
	cfg.Data, cfg.DatabaseURL, cfg.DatabaseURLFile = d.Data, d.DatabaseURL, d.DatabaseURLFile
	err := settle(&cfg)
	return cfg, err
}

type verifyCmd struct {
	database `embed:""`

	Seals []string `name:"seal" placeholder:"NUMBER:HASH" help:"A seal that was published earlier, which must stand in the chain; may be given more than once."`
}

// Help is the long help.
func (*verifyCmd) Help() string {
	return `Verify reads one snapshot and writes nothing, nor needs the right to; it works beside a running server. It exits with 0 if every invariant holds, and with 1 if anything is wrong.

Example:
  scrip verify --data ./data
  scrip verify --database-url postgres://scrip:secret@db:5432/scrip
  scrip verify --seal 4711:681db68f712b56faea832cf7b24dec9adfdeba57dab9a96b73b45dc66e4c51eb
  scrip verify --json | jq '.findings[] | .check, .id'`
}

// findingsMax bounds what is kept for a JSON answer; the rest is counted.
const findingsMax = 10_000

// verification is the answer of verify.
type verification struct {
	Sound    bool          `json:"sound"`
	Read     app.Audited   `json:"read"`
	Findings []app.Finding `json:"findings"`
	Seconds  float64       `json:"seconds"`
}

// Run verifies.
func (v *verifyCmd) Run(c *command) error {
	cfg, err := v.config(c)
	if err != nil {
		return err
	}
	published := make([]app.PublishedSeal, len(v.Seals))
	for i, text := range v.Seals {
		if published[i], err = app.ParsePublishedSeal(text); err != nil {
			return usageError{err}
		}
	}
	began := time.Now()
	out := verification{Findings: []app.Finding{}}
	out.Read, err = app.Verify(c.ctx, cfg, func(f app.Finding) {
		switch {
		case !c.json:
			line(c.Stdout, "%s  %s  %s", f.Check, f.ID, f.Detail)
		case len(out.Findings) < findingsMax:
			out.Findings = append(out.Findings, f)
		}
	}, published...)
	if err != nil {
		return usageError{err}
	}
	out.Sound, out.Seconds = out.Read.Findings == 0, time.Since(began).Seconds()
	if err := c.answer(out, func(w io.Writer) { out.describe(w) }); err != nil {
		return err
	}
	if !out.Sound {
		return errNo
	}
	return nil
}

func (v *verification) describe(w io.Writer) {
	r := v.Read
	line(w, "Read %s, %s, %s, %s, %s, %s and %s in %.1f s.",
		plural(r.Campaigns, "campaign", "campaigns"), plural(r.Vouchers, "voucher", "vouchers"),
		plural(r.Redemptions, "redemption", "redemptions"), plural(r.Rollbacks, "rollback", "rollbacks"),
		plural(r.Wallets, "wallet", "wallets"), plural(r.Transfers, "transfer", "transfers"),
		plural(r.Seals, "seal", "seals"), v.Seconds)
	if v.Sound {
		line(w, "Every invariant holds.")
		return
	}
	line(w, "%s wrong; keep the database as it is, and restore a backup beside it to compare.", plural(r.Findings, "thing is", "things are"))
}

type migrateCmd struct {
	Up     migrateUpCmd     `cmd:"" help:"Apply the steps that are missing."`
	Status migrateStatusCmd `cmd:"" help:"Show the steps and which are applied."`
}

type migrateUpCmd struct {
	database `embed:""`
}

// Help is the long help.
func (*migrateUpCmd) Help() string {
	return `The server migrates by itself as it starts; this is for those who want to do it before. On the embedded store it is refused while a server runs; on PostgreSQL whoever comes first migrates, and the others wait.

Example:
  scrip migrate up --data ./data
  scrip migrate up --database-url postgres://scrip:secret@db:5432/scrip`
}

// Run migrates and shows the outcome.
func (m *migrateUpCmd) Run(c *command) error {
	cfg, err := m.config(c)
	if err != nil {
		return err
	}
	if err := app.MigrateUp(c.ctx, cfg); err != nil {
		return usageError{err}
	}
	return c.migrations(cfg)
}

type migrateStatusCmd struct {
	database `embed:""`
}

// Help is the long help.
func (*migrateStatusCmd) Help() string {
	return `It only reads, and works beside a running server. A database that is not there, or of a newer version, is an error: the exit code is 2.

Example:
  scrip migrate status --data ./data
  scrip migrate status --database-url-file /run/secrets/database`
}

// Run shows the steps.
func (m *migrateStatusCmd) Run(c *command) error {
	cfg, err := m.config(c)
	if err != nil {
		return err
	}
	return c.migrations(cfg)
}

func (c *command) migrations(cfg config.Config) error {
	steps, err := app.MigrateStatus(c.ctx, cfg)
	if err != nil {
		return usageError{err}
	}
	return c.answer(struct {
		Migrations []app.Migration `json:"migrations"`
	}{steps}, func(w io.Writer) {
		line(w, "STEP\tNAME\tAPPLIED")
		for _, s := range steps {
			when := "no"
			if s.Applied {
				when = s.AppliedAt.Format(time.RFC3339)
			}
			line(w, "%d\t%s\t%s", s.Version, s.Name, when)
		}
	})
}

type configCmd struct {
	config.Config `embed:""`
}

// Help is the long help.
func (*configCmd) Help() string {
	return `It takes what serve takes, so that a setting can be tried before it is used; a wrong one is named, and the exit code is 2.

Example:
  scrip config
  SCRIP_MAX_BATCH=512 scrip config --json`
}

// Run shows the configuration.
func (k *configCmd) Run(c *command) error {
	if err := settle(&k.Config); err != nil {
		return err
	}
	settings := k.Dump()
	type setting struct {
		Name    string `json:"name"`
		Env     string `json:"env"`
		Value   string `json:"value"`
		Default bool   `json:"default"`
	}
	shown := make([]setting, len(settings))
	for i, s := range settings {
		shown[i] = setting(s)
	}
	return c.answer(struct {
		Settings []setting `json:"settings"`
	}{shown}, func(w io.Writer) {
		line(w, "FLAG\tENVIRONMENT\tVALUE\t")
		for _, s := range shown {
			note := ""
			if s.Default {
				note = "(default)"
			}
			line(w, "--%s\t%s\t%s\t%s", s.Name, s.Env, s.Value, note)
		}
	})
}

type versionCmd struct{}

// Help is the long help.
func (*versionCmd) Help() string {
	return `Example:
  scrip version --json`
}

// Run shows the version.
func (*versionCmd) Run(c *command) error {
	out := struct {
		Version string `json:"version"`
		Go      string `json:"go"`
		System  string `json:"system"`
	}{c.version(), runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH}
	return c.answer(out, func(w io.Writer) { line(w, "scrip %s (%s, %s)", out.Version, out.Go, out.System) })
}

// versionFlag does what scrip version does, wherever it stands.
type versionFlag bool

// BeforeReset shows the version before anything else of the command line is looked at.
func (versionFlag) BeforeReset(parser *kong.Kong, c *command) error {
	parser.Exit(c.fail((&versionCmd{}).Run(c)))
	return nil
}

// version is what the build was told, or else what it knows of its source.
func (c *command) version() string {
	if c.Version != "" {
		return c.Version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "dev"
}
