package cli

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"scrip/client"
	"scrip/internal/access"
	"scrip/internal/app"
	"scrip/internal/config"
	"scrip/internal/id"
)

type keyCmd struct {
	Create keyCreateCmd `cmd:"" help:"Make a key, and show its secret this once."`
	List   keyListCmd   `cmd:"" help:"List the keys, the newest first."`
	Show   keyShowCmd   `cmd:"" help:"Show one key."`
	Amend  keyAmendCmd  `cmd:"" help:"Change a key's name, its end or its limits."`
	Rotate keyRotateCmd `cmd:"" help:"Replace a key by one with another secret."`
	Revoke keyRevokeCmd `cmd:"" help:"End a key, for ever and everywhere."`
}

type keyCreateCmd struct {
	remote `embed:""`

	Name        string     `name:"name" required:"" placeholder:"TEXT" help:"Who will use it, for people to read."`
	Scopes      string     `name:"scopes" placeholder:"LIST" help:"What it opens, with commas between: redeem, read, campaigns, wallets, admin."`
	Publishable bool       `name:"publishable" help:"A key for apps and pages that anybody can read, instead of --scopes: it validates and redeems, and no more."`
	ExpiresAt   *time.Time `name:"expires-at" placeholder:"TIME" help:"Good until then, as in 2027-01-01T00:00:00Z; left out, for ever."`
	Rate        *int64     `name:"rate" placeholder:"N" help:"Requests a second; left out, the server's default."`
	Burst       *int64     `name:"burst" placeholder:"N" help:"Requests at once; left out, the server's default."`
	SecretFile  string     `name:"secret-file" placeholder:"PATH" help:"New file to write the secret to, which nobody else may read, instead of showing it."`

	Data            string `name:"data" placeholder:"DIR" help:"Make it in this directory's embedded store, instead of asking a server; no server may run on it meanwhile."`
	DatabaseURL     string `name:"database-url" placeholder:"URL" help:"Make it in this PostgreSQL, instead of asking a server."`
	DatabaseURLFile string `name:"database-url-file" placeholder:"PATH" help:"File that holds --database-url."`
}

// Help is the long help.
func (*keyCreateCmd) Help() string {
	return `A secret key stays on servers, and opens what its scopes say: redeem, roll back and validate (redeem); look at everything but keys and audit events (read); make and change campaigns and vouchers (campaigns); wallets (wallets); keys, audit events and all the rest (admin).

The first key is made by a server that runs on loopback and is open until then, as here; or at the database, with --data while no server runs on it or with --database-url; or by the server at its start, with --first-key-file.

Example:
  scrip key create --name admin --scopes admin --secret-file ./admin-key
  export SCRIP_KEY_FILE=./admin-key
  scrip key create --name "till 4" --scopes redeem
  scrip key create --name "our app" --publishable`
}

// Run makes the key.
func (k *keyCreateCmd) Run(c *command) error {
	n, err := k.request()
	if err != nil {
		return err
	}
	keep, err := newSecretFile(k.SecretFile)
	if err != nil {
		return err
	}
	made, err := k.make(c, n)
	if err != nil {
		return errors.Join(err, keep.abandon())
	}
	return c.madeKey(made, keep)
}

// make asks the database where one is named, and a server otherwise.
func (k *keyCreateCmd) make(c *command, n app.NewKey) (*client.MadeKey, error) {
	if k.Data != "" || k.DatabaseURL != "" || k.DatabaseURLFile != "" {
		return k.atDatabase(c, n)
	}
	api, err := k.dial()
	if err != nil {
		return nil, err
	}
	return api.CreateKey(c.ctx, client.NewKey{
		Name: n.Name, Kind: n.Kind.String(), Scopes: n.Scopes.Names(), ExpiresAt: k.ExpiresAt, RatePerSecond: k.Rate, Burst: k.Burst,
	})
}

func (k *keyCreateCmd) atDatabase(c *command, n app.NewKey) (*client.MadeKey, error) {
	if c.given("url", "key", "key-file") {
		return nil, usage("with --data or --database-url no server is asked: leave out --url, --key and --key-file, or the database")
	}
	cfg := config.Default()
	if k.Data != "" {
		if k.DatabaseURL != "" || k.DatabaseURLFile != "" {
			return nil, usage("give either --data or --database-url")
		}
		cfg.Data = k.Data
	}
	cfg.DatabaseURL, cfg.DatabaseURLFile = k.DatabaseURL, k.DatabaseURLFile
	if err := settle(&cfg); err != nil {
		return nil, err
	}
	quiet := slog.New(slog.NewTextHandler(c.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	made, err := app.CreateKey(c.ctx, cfg, quiet, n)
	switch {
	case err == nil:
		return shownKey(&made), nil
	case strings.Contains(err.Error(), databaseInUse):
		return nil, usage("%s, most likely a server: leave --data out, and it makes the key itself (--url says where it is); or stop it first", databaseInUse)
	default:
		return nil, usageError{err}
	}
}

// databaseInUse is how the embedded store says that a server runs on it. A command sees the store's words alone, and
// they advise another --data, where this key would open nothing.
const databaseInUse = "another scrip process has this database open"

// request is what to make.
func (k *keyCreateCmd) request() (app.NewKey, error) {
	n := app.NewKey{Name: k.Name, Kind: access.Secret}
	if k.Publishable == (k.Scopes != "") {
		return n, usage("give either --scopes, as in --scopes redeem,read, or --publishable")
	}
	if k.Publishable {
		n.Kind = access.Publishable
	} else {
		var err error
		if n.Scopes, err = access.ParseScopes(k.Scopes); err != nil {
			return n, usage("--scopes is %.80q: it must be some of redeem, read, campaigns, wallets and admin, with commas between", k.Scopes)
		}
	}
	if k.ExpiresAt != nil {
		n.ExpiresAt = *k.ExpiresAt
	}
	for _, number := range []struct {
		flag string
		from *int64
		into *int64
	}{{"rate", k.Rate, &n.RatePerSecond}, {"burst", k.Burst, &n.Burst}} {
		if number.from == nil {
			continue
		}
		if *number.into = *number.from; *number.from < 1 {
			return n, usage("--%s is %d: it must be at least 1; leave it out for the server's default", number.flag, *number.from)
		}
	}
	return n, nil
}

// shownKey is a key made at the database, as a server would show it.
func shownKey(m *app.MadeKey) *client.MadeKey {
	k := &m.Key
	shown := &client.MadeKey{Secret: m.Secret, Key: client.Key{
		ID: k.ID.Format(id.Key), Object: "key", Name: k.Name, Kind: k.Kind.String(), Scopes: k.Scopes.Names(), Tail: k.Tail,
		Status: client.KeyActive, CreatedAt: k.CreatedAt,
	}}
	if shown.Scopes == nil {
		shown.Scopes = []string{} // a list, if an empty one
	}
	if k.RatePerSecond > 0 {
		shown.RatePerSecond = &k.RatePerSecond
	}
	if k.Burst > 0 {
		shown.Burst = &k.Burst
	}
	if !k.ExpiresAt.IsZero() {
		shown.ExpiresAt = &k.ExpiresAt
	}
	return shown
}

// madeKey shows a new key, and its secret unless that goes to a file.
func (c *command) madeKey(made *client.MadeKey, keep *secretFile) error {
	secret := made.Secret
	if keep != nil {
		if err := keep.write(secret); err != nil {
			return fmt.Errorf("the key %s is made, but its secret could not be written, so revoke it: %w", made.ID, err)
		}
		made.Secret = ""
	}
	return c.answer(made, func(w io.Writer) {
		line(w, "Made the key %q, %s.", made.Name, rightsOf(&made.Key))
		line(w, "key\t%s", made.ID)
		if made.ExpiresAt != nil {
			line(w, "expires\t%s", made.ExpiresAt.UTC().Format(time.RFC3339))
		}
		if r := made.Replaced; r != nil && r.ExpiresAt != nil {
			line(w, "replaces\t%s, which is good until %s", r.ID, r.ExpiresAt.UTC().Format(time.RFC3339))
		}
		if keep != nil {
			line(w, "secret\tin %s", keep.path)
			return
		}
		line(w, "secret\t%s", secret)
		line(w, "")
		line(w, "Keep the secret: nothing shows it again.")
	})
}

// rightsOf says in words what a key opens.
func rightsOf(k *client.Key) string {
	if k.Kind == client.KeyPublishable {
		return "publishable"
	}
	return "with the scopes " + strings.Join(k.Scopes, ", ")
}

// secretFile is a new file for a secret, made before the secret is, so that no secret is lost for want of
// a place.
type secretFile struct {
	path string
	file *os.File
}

// newSecretFile makes the file, which must not be there yet; no path is no file.
func newSecretFile(path string) (*secretFile, error) {
	if path == "" {
		return nil, nil //nolint:nilnil // no file is asked for
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // the caller's own path
	if err != nil {
		return nil, usage("--secret-file: %w", err)
	}
	return &secretFile{path: path, file: f}, nil
}

func (f *secretFile) write(secret string) error {
	_, err := f.file.WriteString(secret + "\n")
	return errors.Join(err, f.file.Sync(), f.file.Close())
}

// abandon removes the file of a secret that was never made.
func (f *secretFile) abandon() error {
	if f == nil {
		return nil
	}
	return errors.Join(f.file.Close(), os.Remove(f.path))
}
