package cli_test

import (
	"strings"
	"testing"

	"scrip/client"
)

// What is given is obeyed or refused, never dropped.
func TestWhatIsGivenIsNotDropped(t *testing.T) {
	t.Parallel()
	where := "--url=" + server(t)
	if got := run(t, "", "code", "create", "--code=c", "--credit=5", "--limit=9", where); got.code != 0 {
		t.Fatalf("%+v", got)
	}
	for _, c := range []struct{ args, says string }{ // '' is an empty argument
		{"redeem c anna --idempotency-key ''", "--idempotency-key is empty; give a value, or leave it out"},
		{"redeem c anna --order ''", "--order is empty"},
		{"redeem c anna --order 5 --order-id ''", "--order-id is empty"},
		{"redeem c anna --order-id 5", "with --order"},
		{"redeem c anna --currency EUR", "with --order"},
		{"redeem c anna --key ''", "--key is empty"},
		{"redeem c anna --key-file ''", "--key-file is empty"},
		{"redeem c ''", "<customer> is empty"},
		{"redeem '' anna", "<code> is empty"},
		{"wallet show ''", "<customer> is empty"},
		{"wallet show anna --currency EUR", "with --transactions"},
		{"wallet show anna --transactions 1 --currency ''", "--currency is empty"},
		{"code show ''", "<code> is empty"},
		{"code disable ''", "<code> is empty"},
		{"code enable ''", "<code> is empty"},
		{"code create --code ''", "--code is empty"},
		{"code create --code '' --credit 5 --limit 5", "--code is empty"},
		{"code create --code x --credit '' --limit 5", "--credit is empty"},
		{"code create --code x --credit 5 --limit 5 --name ''", "--name is empty"},
		{"code create --code x --credit 5 --limit 5 --currency ''", "--currency is empty"},
		{"code create --code x --credit 5 --limit 0", "--limit"},
		{"code create --code x --credit 5 --limit 0 --unlimited", "--limit"},
		{"code create --limit 0", "--credit"},
		{"code list --limit 0", "--limit is 0: it must be from 1 to 100"},
		{"code list --limit 101", "--limit is 101: it must be from 1 to 100"},
		{"code list --after ''", "--after is empty"},
		{"key list --limit 0", "--limit is 0"},
		{"key list --after ''", "--after is empty"},
		{"key show ''", "<id> is empty"},
		{"key amend '' --name x", "<id> is empty"},
		{"key rotate ''", "<id> is empty"},
		{"key revoke ''", "<id> is empty"},
		{"key rotate key_x --secret-file ''", "--secret-file is empty"},
		{"key create --name '' --scopes read", "--name is empty"},
		{"key create --name x --scopes ''", "--scopes is empty"},
		{"key create --name x --publishable --scopes ''", "--scopes is empty"},
		{"key create --name x --scopes read --secret-file ''", "--secret-file is empty"},
		{"key create --name x --scopes read --data ''", "--data is empty"},
		{"key create --name x --scopes read --database-url ''", "--database-url is empty"},
		{"key create --name x --scopes read --database-url-file ''", "--database-url-file is empty"},
		{"key create --name x --scopes read --rate 0", "--rate is 0: it must be at least 1"},
		{"key create --name x --scopes read --burst 0", "--burst is 0: it must be at least 1"},
		{"key create --name x --scopes read --data /nowhere/at/all", "no server is asked"},
		{"audit-events list --limit 0", "--limit is 0"},
		{"audit-events list --target ''", "--target is empty"},
		{"audit-events list --by ''", "--by is empty"},
		{"audit-events list --action ''", "--action is empty"},
		{"seal check ''", "<seal> is empty"},
		{"stampede --code ''", "--code is empty"},
		{"stampede --code c --replica ''", "--replica is empty"},
	} {
		checkRefused(t, append(words(c.args), where), c.says)
	}
	for _, c := range []struct{ args, says string }{
		{"redeem c anna --url ''", "--url is empty"},
		{"verify --database-url ''", "--database-url is empty"},
		{"verify --database-url-file ''", "--database-url-file is empty"},
		{"verify --seal ''", "--seal is empty"},
		{"verify --data /nowhere/at/all --database-url postgres://u:secret@127.0.0.1:1/d", "leave one of them out"},
		{"migrate status --data /nowhere/at/all --database-url-file x", "leave one of them out"},
		{"migrate up --data ''", "--data"},
		{"backup --to ''", "--to is empty"},
		{"restore --from ''", "--from is empty"},
		{"copy --from '' --from-file x --to y", "--from is empty"},
		{"copy --from sqlite:x --to '' --to-file y", "--to is empty"},
		{"serve --listen ''", "--listen"},
		{"serve --database-url ''", "--database-url is empty"},
		{"serve --first-key-file ''", "--first-key-file is empty"},
		{"config --redis-url ''", "--redis-url is empty"},
		{"config --tls-cert ''", "--tls-cert is empty"},
	} {
		checkRefused(t, words(c.args), c.says)
	}
	if got := run(t, "", "config", "--allowed-hosts", "", "--allow-origins", "", "--trusted-proxies", ""); got.code != 0 {
		t.Errorf("lists with nothing in them: %+v", got)
	}
	list := run(t, "", "code", "list", "--json", where)
	if l := decode[client.List[client.Voucher]](t, list.stdout); len(l.Data) != 1 || l.Data[0].Redeemed != 0 {
		t.Errorf("what was refused did something: %+v", l)
	}
	if got := run(t, "", "key", "list", where); got.stdout != "There is no key.\n" {
		t.Errorf("%+v", got)
	}
}

// words splits a command line, in which two apostrophes are an empty argument.
func words(line string) []string {
	all := strings.Fields(line)
	for i, word := range all {
		if word == "''" {
			all[i] = ""
		}
	}
	return all
}

// checkRefused holds a command to exit with 2 and to say why in one line.
func checkRefused(t *testing.T, args []string, says string) {
	t.Helper()
	got := run(t, "", args...)
	if got.code != 2 || got.stdout != "" || !strings.Contains(got.stderr, says) || strings.Count(got.stderr, "\n") != 1 {
		t.Errorf("%q: %+v, want %q", args, got, says)
	}
}

// In the environment an empty value says that there is none.
func TestAnEmptyVariableIsNoValue(t *testing.T) {
	t.Setenv("SCRIP_KEY", "")
	t.Setenv("SCRIP_KEY_FILE", "")
	t.Setenv("SCRIP_CURRENCY", "")
	where := "--url=" + serverOf(t, "EUR")
	if got := run(t, "", "code", "create", "--code=c", "--credit=5", "--limit=9", where); got.code != 0 || !strings.Contains(got.stdout, "5 EUR") {
		t.Errorf("%+v", got)
	}
	t.Setenv("SCRIP_CURRENCY", "USD") // for what else is asked
	if got := run(t, "", "redeem", "c", "anna", where); got.code != 0 {
		t.Errorf("%+v", got)
	}
}
