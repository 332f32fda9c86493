# Every target is a few lines around a script, so that each works without make as well.
# ARGS goes on to swift test: make test ARGS="--filter KernelsTests"

.DEFAULT_GOAL := help
.PHONY: help demo build torch core test test-distributed test-long bench quality format lint clean

help: ## List the targets.
	@sed -nE 's/^([a-z-]+):.*## (.*)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 14

demo: ## Build, get MovieLens-100K, train, and show quality and recommendations. DATA=FILE, ITEMS=FILE use your own.
	@scripts/demo

build: ## Build the release command .build/release/starling, and what it opens LibTorch with; installs what is absent.
	@scripts/setup
	swift build -c release
	@scripts/torch

torch: ## Build only the plugin for LibTorch, installing the torch wheel into .venv unless STARLING_LIBTORCH names one. No Swift needed.
	@scripts/torch

core: ## Build .build/core/starling-core: one file without networking that needs only glibc, libstdc++ and libgcc. Linux.
	@scripts/core

test: ## Check the format, build once in release mode, and run all tests; a tenth of the long ones.
	@scripts/test $(ARGS)

test-distributed: ## Only the tests of several ranks: threads, processes, torchrun where there is PyTorch, Ray.
	@scripts/test --distributed $(ARGS)

test-long: ## The same with the long tests in full: every kill trial, long fuzzing.
	@scripts/test --long $(ARGS)

bench: ## Measure beside LIBMF, PyTorch, implicit, buffalo, Spark, faiss, polars, pandas and pyarrow; about an hour, 10 GB of disk.
	@Benchmarks/bench $(ARGS)

quality: ## Measure the RMSE on MovieLens-100K beside LIBMF; some minutes. ARGS="--ml-1m FILE" adds MovieLens-1M.
	@Benchmarks/quality $(ARGS)

format: ## Format all Swift sources in place.
	swift format -i -r Sources Tests Package.swift

lint: ## Check the format of all Swift sources.
	swift format lint --strict -r Sources Tests Package.swift

clean: ## Remove what was built and the Python environments. data/ and runs/ stay.
	rm -rf .build .venv .venv-bench .venv-ray Benchmarks/work
