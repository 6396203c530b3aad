package config

// ParseDotEnv lets the tests read texts without a file for each.
func ParseDotEnv(path, text string) (map[string]string, error) { return parseDotEnv(path, text) }
