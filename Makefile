# Scrip's commands. `make` lists them. Building needs Go alone; the tests start PostgreSQL and Redis
# themselves (build/needs), up and down need Docker.

SHELL := /bin/bash

# Pinned, so that an upgrade is a commit of its own.
LINT_VERSION := v2.15.0
GOLANGCI_LINT ?= bin/golangci-lint-$(LINT_VERSION)

# The packages in which goroutines share memory; the race detector runs over them.
RACE_PACKAGES := ./internal/groupcommit/... ./internal/gate/... ./internal/redemption/... ./internal/store/... ./internal/retention/...

# Anything to hand on to the command, as in: make create-code ARGS="--code salam --credit 1000000 --limit 2000"
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help run build needs test test-race test-all fuzz chaos chaos-mutants bench lint lint-bites fmt generate verify-generated \
	up down migrate-up create-code verify clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: build ## Serve on 127.0.0.1:8000 with the demo code "salam"
	@exec ./bin/scrip serve --demo $(ARGS)

build: ## Build bin/scrip
	go build -trimpath -o bin/scrip ./cmd/scrip

needs: # see to it that PostgreSQL and Redis are installed for the tests
	@build/needs

# The race detector needs cgo, and cgo a C compiler; Go itself says whether it has found one. Where CI is
# set, a missing tool is a failure. SQLite in Go is ten times slower under the detector, so that run is a
# short one: the same tests with fewer repeats. test-race has them all.
test: needs ## Vet, test everything, and once more under the race detector where there is a C compiler
	go vet ./...
	@if [ "$$(go env CGO_ENABLED)" = 1 ]; then \
		go run ./build/gotest -timeout 15m ./... -- -race -short -timeout 15m $(RACE_PACKAGES); \
	elif [ -n "$$CI" ]; then \
		echo "test: the race detector needs cgo and a C compiler, and CI must have them" >&2; exit 1; \
	else \
		go run ./build/gotest -timeout 15m ./... && \
		echo "test: SKIPPED the race detector: it needs cgo and a C compiler (install gcc, or unset CGO_ENABLED)" >&2; \
	fi

test-race: needs ## Test the concurrent packages under the race detector, at full length
	go run ./build/gotest -race -timeout 15m $(RACE_PACKAGES)

test-all: test ## The same as test

# FUZZTIME is for each target, FUZZSIDE how many are fuzzed side by side; ARGS is handed on, as in ARGS="-run Code".
FUZZTIME ?= 1m
FUZZSIDE ?= 2

fuzz: needs ## Fuzz every target for FUZZTIME (make fuzz FUZZTIME=10m; see docs/fuzzing.md)
	go run ./build/fuzz -time $(FUZZTIME) -side $(FUZZSIDE) $(ARGS)

# CHAOS_MINUTES are the minutes of faults on each site, side by side, a whole number; holding the episodes to account comes on
# top. The figures go to bench/out/chaos.md, and what a failure leaves beside them. SCRIP_CHAOS_SEED=N repeats the choices of
# a run.
CHAOS_MINUTES ?= 60

chaos: needs ## Break real servers at random for CHAOS_MINUTES (docs/reliability.md)
	@mkdir -p bench/out && rm -f bench/out/chaos.md
	SCRIP_CHAOS_MINUTES=$(CHAOS_MINUTES) SCRIP_CHAOS_REPORT=$(CURDIR)/bench/out/chaos.md SCRIP_CHAOS_DIR=$(CURDIR)/bench/out \
		go test ./e2e/chaos -run '^(TestSQLite|TestPostgres)$$' -count=1 -v -timeout $$(( $(CHAOS_MINUTES) + 60 ))m
	@cat bench/out/chaos.md

chaos-mutants: needs ## Show that chaos finds what it is there to find, in programs with a promise broken
	SCRIP_CHAOS_MUTANTS=all go test ./e2e/chaos -run '^TestMutants$$' -count=1 -v -timeout 60m

bench: ## Measure against a bare net/http handler (needs wrk; see docs/benchmarks.md)
	go run ./bench $(ARGS)

lint: $(GOLANGCI_LINT) ## Run the linters
	$(GOLANGCI_LINT) run ./...

lint-bites: $(GOLANGCI_LINT) ## Prove that the dependency rules refuse planted violations
	.ci/lint-bites $(GOLANGCI_LINT)

fmt: $(GOLANGCI_LINT) ## Format the Go code
	$(GOLANGCI_LINT) fmt ./...

bin/golangci-lint-$(LINT_VERSION):
	GOBIN="$(CURDIR)/bin" go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(LINT_VERSION)
	@mv bin/golangci-lint $@

generate: ## Bring go.mod and the tables in docs/ into step with the code
	go mod tidy
	go test ./docs -run TestTables -update

verify-generated: $(GOLANGCI_LINT) ## Fail if generate or fmt would change anything
	go mod tidy -diff
	$(GOLANGCI_LINT) fmt --diff ./...
	go test -count=1 ./docs

up: ## Start PostgreSQL, Redis and Scrip in Docker, on 127.0.0.1
	docker compose up --build --detach --wait $(ARGS)

down: ## Stop what up has started; its data stays (make down ARGS=--volumes removes it)
	docker compose down $(ARGS)

migrate-up: ## Bring the store's schema up to date
	go run ./cmd/scrip migrate up $(ARGS)

create-code: ## Make a shared code on a running server; asks what ARGS does not say
	@go run ./cmd/scrip code create $(ARGS)

verify: ## Recompute every invariant from the rows of the store
	go run ./cmd/scrip verify $(ARGS)

clean: ## Remove what was built and measured; ./data stays
	rm -rf bin bench/out coverage.out
