// Package api is the contract of Scrip's HTTP face: one OpenAPI 3.1 document, which the server serves
// and the tests hold every response to.
package api

import _ "embed"

// OpenAPI is the contract, in YAML.
//
//go:embed openapi.yaml
var OpenAPI []byte
