# What one does with Tollgate. Each target installs what it needs and lacks.
.DEFAULT_GOAL := help
.PHONY: help setup build oci dist run run-cluster docker docker-down client check test lint advisories bench

REQUESTS ?= 12

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## install what the tests need and this machine lacks, nothing else
	@scripts/setup.sh test

build: ## build target/wasm32-wasip1/release/tollgate.wasm
	@scripts/setup.sh build
	@scripts/build.sh

oci: build ## target/oci: the filter as an image, for Istio and Envoy Gateway
	@scripts/setup.sh oci
	@scripts/oci.py

dist: build ## target/dist: what a release has, with checksums and a list of its parts
	@scripts/setup.sh dist
	@scripts/dist.sh

run: ## a real Envoy with the filter before a demo model API, until Ctrl-C (EXAMPLE=usage-plan)
	@scripts/run.sh

run-cluster: ## two Envoys that share limits through a bridge and Redis, until Ctrl-C
	@scripts/run-cluster.sh

docker: ## the whole in containers: two gateways, Redis, Prometheus, Grafana (PROFILE=local)
	@scripts/docker.sh

docker-down: ## end what make docker has started, and remove it
	@scripts/docker.sh down

client: ## the well-behaved client, against make run (REQUESTS=12)
	@python3 examples/client.py --requests $(REQUESTS)

check: ## every error of a plugin configuration: make check CONFIG=f.json
	@test -n "$(CONFIG)" || { echo "check: name a file: make check CONFIG=f.json" >&2; exit 2; }
	@scripts/setup.sh build
	@cargo run --quiet --locked --features tool --bin tollgate -- check "$(CONFIG)"

test: ## every test, those on a real Envoy too
	@scripts/setup.sh test
	@scripts/build.sh
	@scripts/build.sh noop
	cargo test --locked --features tool
	python3 -m unittest discover --start-directory tests

lint: ## formatting, lints, dependencies, and the fences between the rooms
	@scripts/setup.sh lint
	cargo fmt --check
	cargo clippy --locked --all-targets --features tool -- --deny warnings
	cargo clippy --locked --lib --target wasm32-wasip1 -- --deny warnings
	shellcheck .githooks/* scripts/*.sh envoy/bridge/*.sh envoy/docker/*.sh tests/docker/stand_ins/*.sh
	.tools/deny/bin/cargo-deny --locked check bans licenses sources
	@scripts/fences.sh

advisories: ## known holes in what Tollgate depends on; asks the advisories' repository
	@scripts/setup.sh lint
	.tools/deny/bin/cargo-deny --locked check advisories

bench: ## what the filter costs Envoy, and what sharing limits through Redis costs
	@scripts/setup.sh bench
	@scripts/build.sh
	@scripts/build.sh noop
	cargo bench --locked --bench envoy
	cargo bench --locked --bench cluster
