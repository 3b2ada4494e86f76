# `make help` lists the targets.
SHELL := /bin/bash
.DEFAULT_GOAL := help

# Pinned, and run from the module cache: neither is a requirement of this module. go-swagger's pin is in wrapper/codegen.
STATICCHECK = go run honnef.co/go/tools/cmd/staticcheck@v0.8.2

# What releases are built with, whatever Go is installed: the same bytes everywhere, and none of the holes that are known in its library.
RELEASE_GO = go1.26.10

help: ## list the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 20

demo: ## the whole job, step by step, against a development server with real R and Python
	@scripts/install.sh r python
	@scripts/demo.sh

test: ## everything: drift of the generated code, linters, all tests with the race detector
	@scripts/install.sh r python examples cc slapd keyring tmux
	@$(MAKE) --no-print-directory check lint
	go test -race -timeout 20m ./...

fetch: ## bring a published API document: make fetch VERSION=9.1.0 [SWAGGER_BASE_URL=file:///a/copy]
	@go run ./scripts/apidoc fetch $(VERSION)

generate: ## write gen/ anew from swagger/: make generate [VERSION=9.1.0]
	@go run ./scripts/apidoc generate $(VERSION)

check: ## fail if gen/ is not what swagger/ generates, or swagger/ not what the published documents make
	@go run ./scripts/apidoc check
	go vet ./gen/...

service: ## a typed Go client of a service: make service SERVICE=transmission VERSION=1.0.0 SERVER=http://localhost:12800 [OUT=folder]
	@test -n "$(SERVICE)" -a -n "$(VERSION)" || { echo "say which: make service SERVICE=NAME VERSION=1.0.0 SERVER=http://localhost:12800"; exit 2; }
	@go run ./wrapper/cmd/mls service generate "$(SERVICE)/$(VERSION)" --out "$(or $(OUT),$(SERVICE))" $(if $(SERVER),--endpoint "$(SERVER)")

lint: ## gofmt, go vet, staticcheck
	@unformatted=$$(gofmt -l gen scripts swagger wrapper); [ -z "$$unformatted" ] || { echo "not formatted: $$unformatted"; exit 1; }
	go vet ./...
	$(STATICCHECK) ./...

platforms: ## compile everything for linux, macOS and Windows, each on amd64 and arm64
	@for os in linux darwin windows; do for arch in amd64 arm64; do \
		CGO_ENABLED=0 GOOS=$$os GOARCH=$$arch go build ./gen/... ./swagger/... ./wrapper/... || { echo "does not compile for $$os/$$arch"; exit 1; }; \
	done; done

vulncheck: ## known vulnerabilities in what the project calls: make vulncheck [GOVULNDB=file:///a/copy/of/the/database]
	@GOTOOLCHAIN=$(RELEASE_GO) scripts/vulncheck.sh

build: ## bin/mls and bin/mls-devserver
	go build -trimpath -o bin/ ./wrapper/cmd/...

release: ## dist/: archives for six platforms, checksums, licences, bills of materials; published nowhere
	@GOTOOLCHAIN=$(RELEASE_GO) go run ./scripts/release -out dist

bench: ## what calls, streams, frames and batches cost, against a client written by hand, and others: make bench [ARGS='-only TLS']; -table FILE writes what README.md has
	@cd wrapper/internal/bench/versus && go generate && go run . $(ARGS)

fuzz: ## inputs by the million to every decoder: make fuzz [FUZZTIME=30s of each] [TARGET=Frame]
	@scripts/fuzz.sh "$(or $(TARGET),.)"

soak: ## kills processes at random and looks whether anything is lost: make soak [SOAK=10m] [SEED=1]
	@scripts/install.sh r python keyring
	FAULTS=$(or $(FAULTS),100000) SEED=$(SEED) SOAK=$(or $(SOAK),10m) go test -count=1 -v -parallel 8 -timeout 24h -run 'TestRandomFaults|TestSoak' ./wrapper/mlserver ./wrapper/internal/cli

.PHONY: help demo test fetch generate check service lint platforms vulncheck build release bench fuzz soak
