package testenv

// For the tests beside the package.
var (
	Have        = have
	Find        = find
	NewestFirst = newestFirst
)
