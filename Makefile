# Redline. `make help` lists the targets. Only Go, git and make are needed to
# build, run and test; cgo is used when a C compiler is there (the go command
# decides) and everything works without it.

GO           ?= go
FIXTURES     ?= ../shared/fixtures
CASES        ?= ../shared/cases
FUZZTIME     ?= 10s
KILLS        ?= 200
TESTFLAGS    ?=
LDFLAGS       = -X github.com/redline-evm/redline/internal/program.revision=$(shell git rev-parse HEAD 2>/dev/null)
LINT_VERSION := v2.15.0
LINT          = $(shell $(GO) env GOPATH)/bin/golangci-lint-$(LINT_VERSION)/golangci-lint

# Tests run in the folder of their package, where a relative folder is another.
override FIXTURES := $(abspath $(FIXTURES))
override CASES    := $(abspath $(CASES))
export FIXTURES CASES

.PHONY: build run test check lint conformance bench fuzz crash test-clients clean help
.DEFAULT_GOAL := build

build: need-go ## build bin/sequencer and bin/fullnode
	$(GO) build -trimpath -ldflags "$(LDFLAGS)" -o bin/ ./sequencer ./fullnode

run: build ## start a development chain: sequencer, full node, funded accounts
	bin/sequencer dev

test: need-go ## run all Go tests, then those of packages with costly checks once more with the checks on
	@[ -d "$(FIXTURES)" ] || echo "note: no fixtures in $(FIXTURES); tests over them skip (FIXTURES=dir, see docs/testing.md)"
	@[ -d "$(CASES)" ] || echo "note: no cases in $(CASES); tests over them skip (CASES=dir, see docs/testing.md)"
	$(GO) test $(TESTFLAGS) ./...
	$(GO) test $(TESTFLAGS) -tags invariants $$($(GO) list -f '{{range .Imports}}{{if eq . "github.com/redline-evm/redline/internal/invariants"}}{{$$.ImportPath}} {{end}}{{end}}' ./...) ./internal/invariants

check: build lint test conformance test-clients ## everything that CI runs

lint: $(LINT) ## run the linters
	$(LINT) run ./...

$(LINT): | need-go
	@echo "installing golangci-lint $(LINT_VERSION); this takes some minutes, once"
	GOBIN=$(@D) $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(LINT_VERSION)

conformance: build ## run Ethereum's state and block tests of FIXTURES, interpreted and as native code
	test/conformance.sh "$(FIXTURES)"

bench: build ## print EVM measurements as JSON
	bin/sequencer bench evm --cases "$(CASES)" --json

fuzz: need-go ## run every fuzz target for FUZZTIME (10s)
	@grep -rl --include='*_test.go' '^func Fuzz' . | while read -r file; do \
		sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\).*/\1/p' "$$file" | while read -r target; do \
			echo "== $$file $$target"; \
			$(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) "./$$(dirname "$$file")" </dev/null || exit 1; \
		done || exit 1; \
	done

crash: need-go ## kill a sequencer under load KILLS times (200); nothing acknowledged may be lost
	$(GO) test ./sequencer -count=1 -v -run '^TestKilled$$' -kills $(KILLS)

test-clients: build need-node ## run viem and ethers against a fresh chain (needs Node 20 and npm)
	cd test/clients && npm ci --ignore-scripts --no-audit --no-fund && npm test

clean: ## remove what was built
	rm -rf bin test/clients/node_modules

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/  \1\t\2/p' Makefile | expand -t 18

.PHONY: need-go need-node
need-go:
	@command -v $(GO) >/dev/null || { echo "Go is missing: install Go 1.26 or later (https://go.dev/dl)"; exit 1; }

need-node:
	@command -v npm >/dev/null || { echo "Node is missing: the client tests need Node 20 or later and npm (https://nodejs.org)"; exit 1; }
