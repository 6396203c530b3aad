//go:build race

package memgate_test

// underRace says that the race detector watches, which makes everything ten times slower.
const underRace = true
