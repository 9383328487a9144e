# The C++ layer: headers over the C library. Included by Makefile.

CXXFLAGS ?= -O2 -g1
CLANGXX  ?= clang++
CXX_WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Werror
CXX_HEADERS  := include/ringcast.hpp $(wildcard include/ringcast/*.hpp) include/ringcast.h $(wildcard include/ringcast/*.h)
# FlatBuffers in the version of the generated code: its Go module has the C++ headers, too. Looked for once, and only by
# what needs them.
FLATBUFFERS  ?= $(eval FLATBUFFERS := $(shell go mod download github.com/google/flatbuffers && go list -m -f '{{.Dir}}' github.com/google/flatbuffers)/include)$(FLATBUFFERS)
FLATBUFFERS_FLAGS = $(if $(wildcard $(FLATBUFFERS)/flatbuffers/flatbuffers.h),-isystem $(FLATBUFFERS),$(error no flatbuffers/flatbuffers.h in $(FLATBUFFERS): install Go, which fetches it, or say FLATBUFFERS=FOLDER))
CXX_STANDARD ?= c++17
CXX_FLAGS    := $(CXX_WARNINGS) -Iinclude -I../examples/cpp -pthread

CXX_TESTS := $(wildcard test/cpp/*_test.cc)
# All but the test that has no exceptions is one program.
CXX_SUITE := $(filter-out test/cpp/plain_test.cc,$(CXX_TESTS)) test/cpp/main.cc
CXX_OBJECTS := $(CXX_SUITE:test/cpp/%.cc=$(BUILD)/cpp/%.o)

.PHONY: test-cpp test-cpp-gcc test-cpp-clang test-cpp-tsan test-cpp-headers

$(BUILD)/cpp/%.o: test/cpp/%.cc $(wildcard test/cpp/*.h) test/place.h $(CXX_HEADERS) cpp.mk
	@mkdir -p $(BUILD)/cpp
	$(CXX) -std=$(CXX_STANDARD) $(CXX_FLAGS) $(CXXFLAGS) $(FLATBUFFERS_FLAGS) -c -o $@ $<

# What has threads in it, or wakes others; process_test has the roles of main.
$(BUILD)/test-cpp-threads: $(patsubst %,$(BUILD)/cpp/%_test.o,threads domain publisher subscription group events process request) $(BUILD)/cpp/main.o $(BUILD)/libringcast.a
	$(CXX) $(CXXFLAGS) -pthread -o $@ $^ -lgtest

# GoogleTest, Debian's libgtest-dev.
$(BUILD)/test-cpp: $(CXX_OBJECTS) $(BUILD)/libringcast.a
	$(CXX) $(CXXFLAGS) -pthread -o $@ $^ -lgtest

$(BUILD)/test-cpp-plain: test/cpp/plain_test.cc test/place.h $(CXX_HEADERS) $(BUILD)/libringcast.a cpp.mk
	$(CXX) -std=$(CXX_STANDARD) $(CXX_FLAGS) $(CXXFLAGS) -fno-exceptions -fno-rtti $(FLATBUFFERS_FLAGS) -o $@ $< $(BUILD)/libringcast.a

# gcc with C++17; clang with C++20 under AddressSanitizer and UBSan; the threads under ThreadSanitizer; and
# without exceptions and type information by both.
test-cpp: test-cpp-headers test-cpp-gcc test-cpp-clang test-cpp-tsan

# Every header on its own, and all of them in each standard, by both compilers.
test-cpp-headers:
	@status=0; \
	compile() { \
		name=$$1; shift; \
		if "$$@" $(CXX_FLAGS) $(FLATBUFFERS_FLAGS) -fsyntax-only; then echo "ok cpp/compiles/$$name"; \
		else status=1; echo "not ok cpp/compiles/$$name: see above"; fi; \
	}; \
	for header in ringcast.hpp $(notdir $(wildcard include/ringcast/*.hpp)); do \
		path=include/ringcast/$$header; [ -f $$path ] || path=include/$$header; \
		compile $$header $(CXX) -std=c++17 -x c++ -include $$path /dev/null; \
	done; \
	for standard in c++17 c++20 c++2b; do \
		compile gcc-$$standard $(CXX) -std=$$standard -fno-exceptions -fno-rtti test/cpp/plain_test.cc; \
		compile clang-$$standard $(CLANGXX) -std=$$standard -fno-exceptions -fno-rtti test/cpp/plain_test.cc; \
	done; exit $$status

test-cpp-gcc: $(BUILD)/test-cpp $(BUILD)/test-cpp-plain
	@status=0; $(BUILD)/test-cpp || status=1; $(BUILD)/test-cpp-plain || status=1; exit $$status

# Not optimized: clang takes more than twice as long over it otherwise, and gcc has optimized the same tests.
CXX_ASAN := -O0 -g1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined
CXX_TSAN := -O0 -g1 -fsanitize=thread
test-cpp-clang:
	@RC_TEST_SUITE=cpp-clang-asan $(MAKE) -s BUILD=$(BUILD)-clang-asan CC=clang CXX=$(CLANGXX) CXX_STANDARD=c++20 CFLAGS='$(CXX_ASAN)' CXXFLAGS='$(CXX_ASAN)' test-cpp-gcc
test-cpp-tsan:
	@$(MAKE) -s BUILD=$(BUILD)-tsan CFLAGS='$(TSAN)' CXXFLAGS='$(CXX_TSAN)' $(BUILD)-tsan/test-cpp-threads
	@RC_TEST_SUITE=cpp-tsan $(BUILD)-tsan/test-cpp-threads

$(BUILD)/conformance-peer-cpp: $(wildcard conformance/cpp/*.cc conformance/cpp/*.h) test/image_reader_cpp_generated.cc test/image_reader.h $(CXX_HEADERS) $(BUILD)/libringcast.a cpp.mk
	$(CXX) -std=$(CXX_STANDARD) $(CXX_FLAGS) $(CXXFLAGS) -DIMAGE_READER_PART $(FLATBUFFERS_FLAGS) -o $@ $(filter %.cc %.a,$^)

# The examples that need FlatBuffers are apart, so that the first message needs a compiler and nothing else.
.PHONY: examples-cpp examples-cpp-flatbuffers valgrind-cpp
examples-cpp: $(patsubst %,$(BUILD)/ringcast-cpp-%,pub sub loop serve request)
examples-cpp-flatbuffers: $(BUILD)/ringcast-cpp-orders

$(BUILD)/ringcast-cpp-orders: CXX_INCLUDE = $(FLATBUFFERS_FLAGS)
$(BUILD)/ringcast-cpp-%: ../examples/cpp/%.cc $(CXX_HEADERS) $(BUILD)/libringcast.a cpp.mk
	$(CXX) -std=$(CXX_STANDARD) $(CXX_FLAGS) $(CXX_INCLUDE) $(CXXFLAGS) -o $@ $< $(BUILD)/libringcast.a

# As users build: optimized, without the checks of checked builds.
.PHONY: bench-cpp
$(BUILD)/layers: bench/layers.cc $(CXX_HEADERS) $(BUILD)/libringcast.a cpp.mk
	$(CXX) -std=$(CXX_STANDARD) $(CXX_FLAGS) $(CXXFLAGS) -DNDEBUG -o $@ $< $(BUILD)/libringcast.a
bench-cpp: $(BUILD)/layers
	$(BUILD)/layers

# The examples under valgrind, each end of a topic.
VALGRIND := valgrind -q --error-exitcode=3 --leak-check=full
valgrind-cpp: examples-cpp examples-cpp-flatbuffers
	@dir=$$(mktemp -d /dev/shm/rc-valgrind-XXXXXX); export RINGCAST_SHM_DIR=$$dir; status=0; \
	check() { if [ $$2 = 0 ]; then echo "ok cpp-valgrind/$$1"; else status=1; echo "not ok cpp-valgrind/$$1: exit code $$2"; fi; }; \
	$(VALGRIND) $(BUILD)/ringcast-cpp-orders >/dev/null; check orders $$?; \
	{ $(VALGRIND) $(BUILD)/ringcast-cpp-sub greetings 2 2>$$dir/said >$$dir/out; echo $$? >$$dir/code; } & \
	for i in $$(seq 600); do grep -q subscribed $$dir/said 2>/dev/null && break; sleep 0.1; done; \
	printf 'hello\nworld\n' | $(VALGRIND) $(BUILD)/ringcast-cpp-pub greetings; check pub $$?; \
	wait; check sub $$(cat $$dir/code); \
	[ "$$(cat $$dir/out)" = "$$(printf 'hello\nworld')" ]; check greetings $$?; \
	mkfifo $$dir/served; \
	{ $(VALGRIND) $(BUILD)/ringcast-cpp-serve capitals <$$dir/served 2>$$dir/serving; echo $$? >$$dir/code; } & \
	exec 3>$$dir/served; \
	for i in $$(seq 600); do grep -q serving $$dir/serving 2>/dev/null && break; sleep 0.1; done; \
	printf 'a\nb\n' | $(VALGRIND) $(BUILD)/ringcast-cpp-request capitals >$$dir/answers; check request $$?; \
	exec 3>&-; wait; check serve $$(cat $$dir/code); \
	[ "$$(cat $$dir/answers)" = "$$(printf 'A\nB')" ]; check answers $$?; \
	rm -rf $$dir; exit $$status
