//go:build race

package gatemodel

// underRace says that the race detector watches, which makes everything ten times slower. Nothing here is shared.
const underRace = true
