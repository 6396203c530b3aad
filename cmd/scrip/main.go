// Command scrip redeems charge codes and discount codes into wallets: the server, and what an operator
// needs around it. See scrip --help.
package main

import (
	"context"
	"os"

	"scrip/internal/cli"
)

// version is set by the build: -ldflags "-X main.version=v1.2.3".
var version = ""

func main() {
	os.Exit(cli.Run(context.Background(), cli.Process{
		Args:    os.Args[1:],
		Stdin:   os.Stdin,
		Stdout:  os.Stdout,
		Stderr:  os.Stderr,
		Version: version,
	}))
}
