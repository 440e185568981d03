# Every check of the project is a target here; .ci/run says which ones CI runs.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c

GO       ?= go
BIN      := $(CURDIR)/bin
FUZZTIME ?= 50000x
COUNT    ?= 1
SOAK     ?= 30m
ROUNDS   ?= 100
SEEDS    ?= 300
CLIENTS  ?= 10000
VERSION  ?=
TRIALS   ?= 5
NESTED   := interop bench trials/faults $(patsubst %/go.mod,%,$(wildcard contrib/*/go.mod compat/*/go.mod))

# The acceptance suite and the real ensembles need the machine for themselves:
# they measure margins of milliseconds.
ROOT  := github.com/zookit/zookit
ALONE := $(ROOT) $(ROOT)/internal/test/core $(ROOT)/internal/test/ensemble

.PHONY: test deps unit model real newest versions fuzz mutants nested containers image check fmt race chaos herd faults soak lease handover bench curves story release-check api licences trial-faults trials trials-small ports

## test: the tests; does all the set-up that they need. CI runs the mutants, the
## containers and the checks besides
test: deps unit real newest fuzz nested

## deps: install what the tests need, once (Debian, Ubuntu)
deps:
	scripts/install-test-deps.sh

## unit: unit tests, the embedded server against Apache ZooKeeper, the examples
unit:
	$(GO) vet ./...
	scripts/race.sh $(COUNT) $$($(GO) list ./... | grep -vxF "$$(printf '%s\n' $(ALONE))")
	$(GO) test -count=1 -run '^TestLease' ./zk # the lease's model, without the race detector

## model: every schedule of the lease's model, some minutes and 2 GB; unit has a
## shorter form
model:
	ZOOKIT_MODEL=long $(GO) test -count=1 -timeout 60m -v -run '^TestLease' ./zk

## chaos: random faults in virtual time, SEEDS for each of mirror, group and cache;
## unit has a shorter form
chaos:
	ZOOKIT_SEEDS=$(SEEDS) $(GO) test -count=1 -timeout 60m -run Chaos ./recipes/...

## real: ensembles of three servers with faults, a short run of the acceptance suite
real:
	$(GO) test -race -count=1 -p 1 -timeout 15m -v $(ALONE) | scripts/quiet.sh

## newest: every test that needs a real server, on the newest release of Apache ZooKeeper
newest:
	ALONE="$(ALONE)" scripts/on-server.sh 3.9

## versions: the last releases of 3.4 to 3.7, which are fetched from Maven Central: the
## embedded server against each, the client and the recipes at its level
versions:
	scripts/install-jars.sh scripts/jars/older/*.xml
	for v in 3.4 3.5 3.6 3.7; do scripts/on-older.sh $$v; done

## fuzz: every fuzz target for FUZZTIME
fuzz:
	scripts/fuzz.sh $(FUZZTIME)

## mutants: broken copies of the code, which the tests must find out
mutants:
	scripts/mutants.sh

## nested: the tests of the nested modules; the smaller one of the ports compiles
nested:
	for dir in $(NESTED); do (cd $$dir && $(GO) vet ./... && $(GO) test -count=1 -timeout 15m ./...); done
	PORTS_BUILD=1 scripts/ports.sh kvtools

## containers: Apache ZooKeeper in containers; installs and starts Docker's engine
containers:
	CONTAINERS=1 scripts/install-test-deps.sh
	zktest/zkcontainer/test.sh

## image: start Docker's engine and build a small image of ZooKeeper, without a registry
image:
	CONTAINERS=1 scripts/install-test-deps.sh
	zktest/zkcontainer/docker.sh up

## check: format, static analysis, builds for other systems, nothing skipped, go.mod tidy,
## no dead link in the documents, licences listed, size of functions by package
check: $(BIN)/gofumpt $(BIN)/staticcheck
	scripts/check.sh $(BIN)

## release-check: what a release publishes can be used: each module builds outside of the
## tree. With VERSION=vX.Y.Z, go.mod of each must name that version
release-check:
	scripts/release-check.sh $(VERSION)

## api: no incompatible change of the API since the last release
api: $(BIN)/apidiff
	scripts/api-check-test.sh $(BIN)/apidiff
	scripts/api-check.sh $(BIN)/apidiff $(VERSION)

## licences: write docs/licences.md, the licences of what the modules use
licences:
	$(GO) run ./scripts/licences -write

## fmt: mend the format
fmt: $(BIN)/gofumpt
	$(BIN)/gofumpt -w .

$(BIN)/gofumpt:
	GOBIN=$(BIN) $(GO) install mvdan.cc/gofumpt@v0.12.0

$(BIN)/staticcheck:
	GOBIN=$(BIN) $(GO) install honnef.co/go/tools/cmd/staticcheck@v0.8.2

$(BIN)/apidiff:
	GOBIN=$(BIN) $(GO) install golang.org/x/exp/cmd/apidiff@v0.0.0-20261113113407-e3970619a1a4

## race: the unit tests again and again
race:
	$(MAKE) unit COUNT=3

## faults: the long acceptance run, some 25 minutes; its log is faults.log
faults: deps
	ZOOKIT_FAULTS=long $(GO) test -count=1 -timeout 90m -v -run 'TestRecipes' . | tee faults.log

## herd: CLIENTS lose an ensemble and get it back, in virtual time; some minutes. The
## figures of docs/hosts.md
herd:
	ZOOKIT_HERD=$(CLIENTS) $(GO) test -count=1 -timeout 30m -v -run '^TestHerd' ./zk

## soak: faults for SOAK; ends with empty directories and no watch left
soak: deps
	ZOOKIT_SOAK=$(SOAK) $(GO) test -count=1 -timeout 0 -v -run 'TestRecipes' .

## lease: ROUNDS in which many holders lose their server after a stall; some
## ten minutes for 100. Its log is lease.log
lease: deps
	ZOOKIT_LEASE=$(ROUNDS) $(GO) test -count=1 -timeout 0 -v -run 'TestLease' ./internal/test/core | tee lease.log

## handover: ROUNDS in which a service with a lock, a leadership and a membership is
## replaced by its next process; some minutes for 200
handover: deps
	ZOOKIT_HANDOVER_ROUNDS=$(ROUNDS) $(GO) test -count=1 -timeout 0 -v -run 'TestCore_ServiceIsReplaced' ./internal/test/core

## ports: programs that were moved from go-zookeeper/zk by hand: their own tests, before
## and after, on 3.8 and 3.9. Fetches Vitess; the first run takes some ten minutes
ports: deps
	scripts/ports.sh

## bench: benchmarks with allocations
bench:
	$(GO) test -run '^$$' -bench . -benchmem ./zk ./internal/proto ./recipes/...

## curves: how the cost of the recipes grows with the work, into bench/CURVES.md;
## two to three minutes
curves:
	cd bench && $(GO) run ./curves -before curves/before.json -md CURVES.md -svg curves.svg

## story: five incidents on real ensembles, into docs/incidents.md and its graphs; some
## three minutes
story:
	cd contrib/zkprom && $(GO) run ./story

## trial-faults: locks and elections of other people's programs under faults, with
## go-zookeeper and with compat/gozookeeper, each cell TRIALS times; some 20 minutes. The
## tables of docs/trial-faults.md; the log of each round is in trials/faults/logs
trial-faults: deps
	cd trials/faults && $(GO) run . -rounds $(TRIALS) -page ../../docs/trial-faults.md

## trials: the own tests of go-kit, kvtools and Vitess, with go-zookeeper and with zookit in
## its place, on both servers; some minutes. docs/trials.md has the results
trials: deps
	$(GO) run ./scripts/trials

## trials-small: the smallest of them, on one server
trials-small: deps
	$(GO) run ./scripts/trials -only go-kit -on 3.8
