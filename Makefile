# Everything a person does with this checkout. `make help` lists it.

CONFIGURATION := release
SWIFT         ?= swift
PREFIX        ?= /usr/local
SYSCONFDIR    ?= /etc
UNITDIR       ?= $(PREFIX)/lib/systemd/system
MANDIR        ?= $(PREFIX)/share/man
BASHDIR       ?= $(PREFIX)/share/bash-completion/completions
# Debian's zsh looks into vendor-completions below /usr, and into site-functions below /usr/local.
ZSHDIR        ?= $(PREFIX)/share/zsh/$(if $(filter /usr,$(PREFIX)),vendor-completions,site-functions)
FISHDIR       ?= $(PREFIX)/share/fish/vendor_completions.d
DESTDIR       ?=
BUILD         := .build/$(CONFIGURATION)

# Debian's packages that the build, the tests and the demo need beside Swift itself.
PACKAGES := git libsystemd-dev libpcre2-dev libsqlite3-dev zlib1g-dev pkg-config python3

.DEFAULT_GOAL := help
.PHONY: setup build test demo install package format lint bench simulate chaos soak sanitize fuzz conformance nightly clean help

setup: ## Install what the build lacks (Debian 12, with Swift 6.2 or later already there)
	@packaging/setup $(PACKAGES)

build: setup ## Build everything once, optimised: the daemon, wardenctl and the tests
	$(SWIFT) build -c $(CONFIGURATION) --build-tests

test: build ## Run all tests and the scenarios that need nothing but this checkout
	@Tests/run --configuration $(CONFIGURATION)

demo: build ## Watch a worker go dark and come back, in under a minute after the build
	@packaging/demo/run --warden $(BUILD)/warden --wardenctl $(BUILD)/wardenctl

# Depends on no build: `sudo make install` must not leave files of root's in .build.
install: ## Install under DESTDIR and PREFIX (after `make build`)
	@test -x $(BUILD)/warden && test -x $(BUILD)/wardenctl || { echo "install: run 'make build' first" >&2; exit 1; }
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(UNITDIR) $(DESTDIR)$(SYSCONFDIR)/warden/conf.d
	install -d $(DESTDIR)/var/lib/warden $(DESTDIR)/var/log/warden
	install -m 755 $(BUILD)/warden $(BUILD)/wardenctl $(DESTDIR)$(PREFIX)/bin/
	install -d $(DESTDIR)$(PREFIX)/share/warden/recipes
	install -m 755 packaging/recipes/* $(DESTDIR)$(PREFIX)/share/warden/recipes/
	install -m 755 packaging/sweep $(DESTDIR)$(PREFIX)/share/warden/sweep
	install -m 644 packaging/hardening.conf $(DESTDIR)$(PREFIX)/share/warden/
	install -d $(DESTDIR)$(PREFIX)/share/warden/prometheus $(DESTDIR)$(PREFIX)/share/warden/grafana
	install -m 644 packaging/prometheus/*.yml $(DESTDIR)$(PREFIX)/share/warden/prometheus/
	install -m 644 packaging/grafana/warden.json $(DESTDIR)$(PREFIX)/share/warden/grafana/
	for page in packaging/man/*.[1-9]; do \
	    install -D -m 644 $$page $(DESTDIR)$(MANDIR)/man$${page##*.}/$${page##*/} || exit 1; \
	done
	install -D -m 644 packaging/completions/wardenctl.bash $(DESTDIR)$(BASHDIR)/wardenctl
	ln -sf wardenctl $(DESTDIR)$(BASHDIR)/warden
	install -D -m 644 packaging/completions/_wardenctl $(DESTDIR)$(ZSHDIR)/_wardenctl
	install -d $(DESTDIR)$(FISHDIR)
	install -m 644 packaging/completions/*.fish $(DESTDIR)$(FISHDIR)/
	@if [ -e $(DESTDIR)$(SYSCONFDIR)/warden/warden.conf ]; then \
	    echo "install: $(SYSCONFDIR)/warden/warden.conf is there already and stays as it is"; \
	else \
	    install -m 644 etc/warden.conf $(DESTDIR)$(SYSCONFDIR)/warden/warden.conf; \
	fi
	sed -e 's|/usr/bin/|$(PREFIX)/bin/|g' -e 's|/etc/warden/|$(SYSCONFDIR)/warden/|g' \
	    -e 's|/usr/share/warden/|$(PREFIX)/share/warden/|g' packaging/warden.service \
	    > $(DESTDIR)$(UNITDIR)/warden.service
	chmod 644 $(DESTDIR)$(UNITDIR)/warden.service
	@echo "install: now edit $(SYSCONFDIR)/warden/warden.conf, then: systemctl daemon-reload && systemctl enable --now warden"

package: build ## Make a Debian package in .build-deb, with the Swift runtime inside its programs
	@packaging/setup debhelper dpkg-dev
	@packaging/deb

format: ## Rewrite the Swift sources in the house style
	$(SWIFT) format --configuration .swift-format --in-place --recursive --parallel Package.swift Sources Tests

lint: ## Say where the Swift sources leave the house style
	$(SWIFT) format lint --configuration .swift-format --recursive --parallel Package.swift Sources Tests

bench: build ## Measure what the speed table promises, and what judging a worker costs
	@if [ -x Tests/Benchmarks/run ]; then Tests/Benchmarks/run --warden $(BUILD)/warden --swift $(SWIFT); \
	else echo "bench: there is no Tests/Benchmarks/run yet"; exit 1; fi

# Two shards run beside each other. WARDEN_SIMULATION_DAYS=N for another length.
simulate: build ## Live through 100,000 simulated worker-days under faults, and check that nothing forbidden happens
	WARDEN_SIMULATION_DAYS=$${WARDEN_SIMULATION_DAYS:-100000} SWIFT_BACKTRACE=enable=no \
	    $(SWIFT) test -c $(CONFIGURATION) --skip-build --disable-xctest --filter SimulationTests

# WARDEN_SOAK_SECONDS=N for another length, WARDEN_SOAK_MEGABYTES=N for another rate.
soak: build ## Ten minutes of 50 workers, 100 MB/s of logs, restarts and clients: memory and descriptors stay as they are
	@Tests/Systemd/soak.py --warden $(BUILD)/warden --wardenctl $(BUILD)/wardenctl

sanitize: setup ## Run the tests of the rooms without dependencies, and the C, under the sanitizers
	@Tests/Sanitize/run

fuzz: setup ## Feed every reader of bytes from outside with mutated input, 20 s each
	@Tests/Fuzz/run --seconds 20

conformance: build ## Compare every answer with supervisord 4.3.0's; SUPERVISOR=VENV is where that is installed
	@Tests/Conformance/run --supervisor "$(SUPERVISOR)" --warden $(BUILD)/warden --wardenctl $(BUILD)/wardenctl

# KIT is a directory with the torch workers, KIT_PYTHON a Python with torch, BOX runs a command beside a private
# systemd: what .ci/run leaves behind.
KIT        ?= .build-ci/kit
KIT_PYTHON ?= .build-ci/torch/bin/python
BOX        ?= ../shared/bin/systemd-box

# As root, beside a private systemd. WARDEN_CHAOS_KILLS=N, WARDEN_CHAOS_UPGRADES=N and WARDEN_CHAOS_SEED=N for another run.
chaos: build ## Kill and upgrade the daemon 1,000 times each under load, and count what was lost
	@test -x "$(BOX)" || { echo "chaos: no $(BOX): BOX=PATH names what runs a command beside a private systemd" >&2; exit 1; }
	WARDEN_CHAOS_KILLS=$${WARDEN_CHAOS_KILLS:-1000} WARDEN_CHAOS_UPGRADES=$${WARDEN_CHAOS_UPGRADES:-1000} \
	    Tests/Systemd/run box_chaos --seconds 3600 --warden $(BUILD)/warden --wardenctl $(BUILD)/wardenctl \
	    --systemd-box "$(BOX)"

nightly: test simulate ## The long runs: the tests over and over, 100,000 simulated worker-days, the demo, sanitizers, a soak, and torch
	@for round in 1 2 3 4 5; do \
	    echo "nightly: round $$round"; Tests/run --configuration $(CONFIGURATION) || exit 1; \
	done
	@packaging/demo/run --warden $(BUILD)/warden --wardenctl $(BUILD)/wardenctl
	@Tests/Sanitize/everything
	@if [ -x "$(BOX)" ]; then $(MAKE) chaos; else echo "nightly: no $(BOX): no kills and upgrades"; fi
	@Tests/Systemd/soak.py --warden $(BUILD)/warden --wardenctl $(BUILD)/wardenctl
	@if [ -d "$(KIT)" ] && [ -x "$(KIT_PYTHON)" ] && [ -x "$(BOX)" ]; then \
	    Tests/Systemd/run kit_twin --seconds 600 --warden $(BUILD)/warden --wardenctl $(BUILD)/wardenctl \
	        --systemd-box "$(BOX)" --kit "$(KIT)" --kit-python "$(KIT_PYTHON)" || exit 1; \
	else echo "nightly: no torch workers in $(KIT): .ci/run makes them"; fi

clean: ## Remove what was built
	$(SWIFT) package clean

help: ## This list
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | while IFS="$$(printf '\t')" read -r name text; do \
	    printf '  make %-9s %s\n' "$$name" "$$text"; done
