package pgstore

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

var (
	errURL       = errors.New("the database's URL can't be read; it looks like postgres://user:password@host:5432/scrip")
	errForeign   = errors.New("this database holds another program's tables; give Scrip a database of its own, or a schema by search_path in the URL")
	errNewer     = errors.New("this database was made by a newer version of Scrip; run that version, or restore a backup")
	errOlder     = errors.New("this database is older than this version of Scrip; run `scrip migrate up`")
	errServerOld = errors.New("this PostgreSQL is too old; Scrip needs version 15 or newer")
	errEncoding  = errors.New("this database does not keep text in UTF-8; create it with ENCODING 'UTF8'")
	errStandby   = errors.New("this server is a standby and only reads; give the primary's address, or several with target_session_attrs=read-write")
)

// explain says what to do about a database that can't be opened. It names the server and never the password.
func explain(cfg Config, err error) error {
	if err == nil {
		return nil
	}
	if advice := advise(cfg, err); advice != "" {
		err = fmt.Errorf("%s: %w", advice, err)
	}
	return fmt.Errorf("database %s: %w", address(cfg), lineError{err})
}

// lineError is an error in one line, where its own text has several, as that of a connection tried at several addresses.
type lineError struct{ err error }

func (e lineError) Error() string { return strings.Join(strings.Fields(e.err.Error()), " ") }

func (e lineError) Unwrap() error { return e.err }

// address is where the database is, for an error's text.
func address(cfg Config) string {
	c, err := pgx.ParseConfig(cfg.URL)
	if err != nil {
		return "(URL not readable)"
	}
	return fmt.Sprintf("%s at %s", c.Database, net.JoinHostPort(c.Host, strconv.Itoa(int(c.Port))))
}

func advise(cfg Config, err error) string {
	_, connecting := errors.AsType[*pgconn.ConnectError](err)
	switch sqlState(err) {
	case codeInvalidPassword, codeInvalidAuth:
		return "the server refuses the user or the password; check both in the URL"
	case codeNoDatabase:
		return "there is no such database; create it with `createdb --encoding=UTF8`"
	case codeTooManyConns:
		return "the server has no connection left; raise its max_connections, or lower ours"
	case codeInsufficientRight:
		return "the user may not do this; make it the owner of the database"
	case codeNoSchema:
		return "the schema that the URL's search_path names is not there; create it with `CREATE SCHEMA`"
	case codeDiskFull:
		return "the server's disk is full; make room and start again, nothing is lost"
	case codeUndefinedObject:
		if connecting {
			return adviseParameter(cfg, err)
		}
	case codeReadOnly:
		return "the server only reads; give the primary's address"
	case codeCannotConnectNow:
		return "the server is starting or stopping; try again in a moment"
	case "":
		if connecting && strings.Contains(err.Error(), tlsRefused) {
			return "the server answers, but without TLS, which the URL's sslmode asks for; set ssl = on there, or sslmode=disable here where the network between is yours"
		}
		if connecting || errors.Is(err, context.DeadlineExceeded) {
			return "the server does not answer; check its address and that it runs"
		}
	}
	return ""
}

// tlsRefused is what pgx says where the server has none. It has no name of its own there.
const tlsRefused = "server refused TLS connection"

// adviseParameter is for a server that does not know a parameter of the connection: one that the URL sets, or one of ours, which
// every version knows that is not too old (plan_cache_mode came with version 12). Such a server never gets as far as to be asked
// for its version. The name is looked for in its words, which may be in any language.
func adviseParameter(cfg Config, err error) string {
	e, refused := errors.AsType[*pgconn.PgError](err)
	theirs, unreadable := pgx.ParseConfig(cfg.URL)
	if !refused || unreadable != nil {
		return ""
	}
	for name := range theirs.RuntimeParams {
		if strings.Contains(e.Message, name) {
			return fmt.Sprintf("the server does not know the parameter %s of the URL; correct its name, or leave it out", name)
		}
	}
	ours := theirs.Copy()
	configure(ours, cfg)
	planByKeys(ours.RuntimeParams)
	for name := range ours.RuntimeParams {
		if strings.Contains(e.Message, name) {
			return errServerOld.Error()
		}
	}
	return ""
}
