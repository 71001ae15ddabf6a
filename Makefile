# mailward: `make demo` shows the main job, `make test` runs everything on real servers.
.POSIX:
SHELL = /bin/sh
CARGO = cargo
# Where a folder with bench/gen.py lies, if there is one: the drain tests make their mailbox with it.
DATA ?= ../shared
# How long `make torture` goes on.
TORTURE_MINUTES ?= 10
# How many runs `make fuzz` makes, and what its dice begin with.
FUZZ_RUNS = 1000000
FUZZ_SEED = 1
PACKAGES = dovecot-imapd dovecot-lmtpd postfix postgresql openssl

.PHONY: help demo test torture servers lint doc bench eval hostile fuzz train fmt

help: ## what can be made
	@grep -E '^[a-z]+:.*##' Makefile | sed 's/:.*## /\t/' | sort

demo: ## a day of a help desk on embedded defaults; writes below target/demo/
	@$(CARGO) build --quiet
	@target/debug/mailward demo

servers: ## installs Dovecot, Postfix and PostgreSQL with apt where they are missing
	@.ci/servers $(PACKAGES)

test: servers ## every test, the real servers included; those of poison mail in a build of their own
	$(CARGO) test --features fault-injection --test it poison::
	MAILWARD_DATA="`cd $(DATA) 2>/dev/null && pwd`" $(CARGO) test --no-fail-fast
	@[ "$$MAILWARD_WAIVE_SERVERS" != 1 ] || echo "WAIVED by MAILWARD_WAIVE_SERVERS=1: tests whose server is missing were left out"

torture: servers ## kills the gateway and disturbs its network for TORTURE_MINUTES (10) on both databases, fresh seeds; TORTURE_SEED repeats one
	TORTURE_MINUTES=$(TORTURE_MINUTES) $(CARGO) test --test it torture_ -- --ignored --nocapture --test-threads=2

lint: ## rustfmt and clippy, warnings are errors
	$(CARGO) fmt --check
	$(CARGO) clippy --all-targets -- -D warnings

doc: ## the documentation of the code
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --no-deps

bench: ## speed and memory against their bounds; BENCH_JSON=F, DATA=folder, BENCH_ONLY=part, BENCH_LONG=1 for what takes gigabytes
	@[ -z "$$BENCH_JSON" ] || rm -f "$$BENCH_JSON"
	@$(CARGO) bench --quiet --bench stations
	@DATA="`cd $(DATA) 2>/dev/null && pwd`" $(CARGO) bench --quiet --bench redact
	@BENCH_PART=2 $(CARGO) bench --quiet --bench intake
	@DATA="$(DATA)" BENCH_PART=2 $(CARGO) bench --quiet --bench drain
	@BENCH_PART=3 $(CARGO) bench --quiet --bench sweep

eval: ## scores reading and redaction on the sets below DATA, where there are some
	@$(CARGO) build --release --quiet
	@benches/eval.sh "$(DATA)"

hostile: ## inspects mail made to harm a reader, up to 50 MB: 2 s and 200 MB whatever the input
	@$(CARGO) build --release --quiet
	@benches/hostile.py target/release/mailward

fuzz: ## FUZZ_RUNS (1000000) damaged mails into every reader, from FUZZ_SEED (1)
	$(CARGO) bench --quiet --bench fuzz -- $(FUZZ_RUNS) $(FUZZ_SEED)

train: ## for developers: trains the redactor's model on DATA/phi and scores it on texts it has not seen
	@$(CARGO) build --release --quiet
	@benches/train.sh "$(DATA)"

fmt: ## formats the code
	$(CARGO) fmt
