// Inplace reads one order (examples/schema/order.fbs) out of a topic's ring,
// with nothing of Ringcast but its generated headers.
//
//	inplace PATH POSITION [--quiet]
//
// PATH is the topic's files without their suffix, such as
// /dev/shm/ringcast/default/topics/orders.eu; POSITION counts messages from 0.
// The program waits until the message at that position is there. It maps both
// files for reading only and joins nothing, so nobody waits for it and nobody
// knows of it: it reads as a latest reader does.
//
// That decides how it may read. A FlatBuffer is read by following offsets: when
// the slot is given to the next lap in the middle, a wrong offset is a crash and
// not a wrong number, and verifying first does not help, since the bytes may
// change between the check and the use. So the message is copied, then the claim
// word is looked at again, and only if it is the same was the copy one message;
// the copy is verified and read.
//
// With --quiet the caller promises that nobody publishes a whole lap while this
// runs. Then the table is verified and read where it lies, and the look at the
// claim word afterwards says whether the promise was kept. A reader that joins
// the ring needs no promise: producers step around what it reads.
//
// Exit codes: 0 read, 1 failed, 2 wrong arguments, 3 no message will ever be at
// that position, 4 overrun: the slot holds a later one.

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "order_generated.h"
#include "ringcast/layout.h"

namespace {

// A Segment is a file of the ring, mapped for reading.
class Segment {
 public:
  Segment(const std::string& path, uint32_t kind) {
    const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) throw std::system_error(errno, std::generic_category(), path);
    struct stat st = {};
    if (fstat(fd, &st) == 0) size_ = static_cast<size_t>(st.st_size);
    void* at = size_ < RC_SEGMENT_HEADER_SIZE ? MAP_FAILED : mmap(nullptr, size_, PROT_READ, MAP_SHARED, fd, 0);
    close(fd);
    if (at == MAP_FAILED) throw std::runtime_error(path + ": cannot be mapped: cut off?");
    bytes_ = static_cast<const uint8_t*>(at);
    rc_segment_header h;
    std::memcpy(&h, bytes_, sizeof h);
    if (h.magic != RC_MAGIC) throw std::runtime_error(path + ": not ours");
    if (h.major != RC_MAJOR || h.layout_hash != RC_LAYOUT_HASH) throw std::runtime_error(path + ": other version");
    if (h.kind != kind || h.segment_size != size_) throw std::runtime_error(path + ": damaged");
  }
  ~Segment() { munmap(const_cast<uint8_t*>(bytes_), size_); }
  Segment(const Segment&) = delete;
  Segment& operator=(const Segment&) = delete;

  // at returns the address of size bytes from an offset, which others may have chosen.
  const uint8_t* at(uint64_t offset, uint64_t size) const {
    if (offset > size_ || size > size_ - offset) throw std::runtime_error("an offset beyond the file: damaged");
    return bytes_ + offset;
  }
  bool holds(const uint8_t* p, size_t size) const { return p >= bytes_ && size <= size_ && p - bytes_ <= static_cast<ptrdiff_t>(size_ - size); }

 private:
  const uint8_t* bytes_ = nullptr;
  size_t size_ = 0;
};

// word reads a word that other processes write.
uint64_t word(const uint8_t* p) {
  return __atomic_load_n(reinterpret_cast<const uint64_t*>(p), __ATOMIC_ACQUIRE);
}

// copy copies bytes that others may be writing: whole words, each read once.
std::vector<uint64_t> copy(const uint8_t* slot, size_t size) {
  std::vector<uint64_t> out(size / 8);
  for (size_t i = 0; i < out.size(); i++)
    out[i] = __atomic_load_n(reinterpret_cast<const uint64_t*>(slot) + i, __ATOMIC_RELAXED);
  return out;
}

enum class Verdict { nothing, ready, never, overrun };

// A Ring is the two files of a topic and a copy of its geometry, checked once
// and used for ever.
class Ring {
 public:
  explicit Ring(const std::string& path)
      : ctl_(path + ".ctl", RC_SEGMENT_KIND_RING_CONTROL), geometry_(geometry()), dat_(data_path(path), RC_SEGMENT_KIND_RING_DATA) {
    const rc_ring_geometry& g = geometry_;
    const bool sane = g.slot_count >= 64 && (g.slot_count & (g.slot_count - 1)) == 0 && g.slot_stride % 64 == 0 &&
                      g.slot_stride > RC_SLOT_HEADER_SIZE && g.slots_start % 64 == 0 && g.claims_start % 8 == 0;
    if (!sane) throw std::runtime_error(path + ": damaged geometry");
    ctl_.at(g.claims_start, uint64_t{8} * g.slot_count);
    dat_.at(g.slots_start, uint64_t{g.slot_stride} * g.slot_count);
  }

  const Segment& data() const { return dat_; }
  size_t stride() const { return geometry_.slot_stride; }
  const uint8_t* slot(uint64_t position) const {
    return dat_.at(geometry_.slots_start + index(position) * geometry_.slot_stride, geometry_.slot_stride);
  }

  // look says what is at a position; mark is the word that must be the same
  // after the message was read.
  Verdict look(uint64_t position, uint64_t* mark) const {
    const uint64_t lap = position / geometry_.slot_count + 1;
    if (geometry_.kind == RC_RING_KIND_EXCLUSIVE) {
      const uint64_t pad = uint64_t{1} << 63;
      *mark = word(slot(position) + RC_SLOT_HEADER_PUBLISHED_OFFSET);
      if ((*mark & ~pad) != lap) return (*mark & ~pad) < lap ? Verdict::nothing : Verdict::overrun;
      return *mark & pad ? Verdict::never : Verdict::ready;
    }
    *mark = word(ctl_.at(geometry_.claims_start + 8 * index(position), 8));
    const uint64_t has = *mark >> (RC_STATE_BITS + RC_OWNER_BITS);
    const uint64_t state = *mark & RC_STATE_MASK;
    if (has == RC_LAP_LIMIT) throw std::runtime_error("another ring took this one's place: open it again");
    if (has != lap) return has < lap ? Verdict::nothing : Verdict::overrun;
    if (state == RC_CLAIM_STATE_READY) return Verdict::ready;
    return state == RC_CLAIM_STATE_WRITING ? Verdict::nothing : Verdict::never;
  }

  // unchanged says whether the slot held one message since look gave the mark.
  bool unchanged(uint64_t position, uint64_t mark) const {
    std::atomic_thread_fence(std::memory_order_acquire);
    if (geometry_.kind == RC_RING_KIND_EXCLUSIVE) // tail counts what was begun
      return word(ctl_.at(RC_SEGMENT_HEADER_SIZE + RC_RING_GEOMETRY_SIZE + RC_RING_CONTROL_TAIL_OFFSET, 8)) <=
             position + geometry_.slot_count;
    return word(ctl_.at(geometry_.claims_start + 8 * index(position), 8)) == mark;
  }

 private:
  rc_ring_geometry geometry() const {
    rc_ring_geometry g;
    std::memcpy(&g, ctl_.at(RC_SEGMENT_HEADER_SIZE, sizeof g), sizeof g);
    return g;
  }
  std::string data_path(const std::string& path) const {
    char id[32];
    std::snprintf(id, sizeof id, ".%015llx.dat", static_cast<unsigned long long>(geometry_.data_id));
    return path + id;
  }
  uint64_t index(uint64_t position) const { return position & (geometry_.slot_count - 1); }

  Segment ctl_;
  rc_ring_geometry geometry_;
  Segment dat_;
};

// print verifies the table in a slot, or in the copy of one, and prints it.
void print(const uint8_t* slot, size_t stride, const char* how) {
  rc_slot_header h;
  std::memcpy(&h, slot, sizeof h);
  if (h.payload_start < RC_SLOT_HEADER_SIZE || h.payload_start > stride || h.payload_length > stride - h.payload_start)
    throw std::runtime_error("payload outside the slot: damaged");
  if (h.kind != RC_MESSAGE_KIND_DATA || h.content != RC_CONTENT_FLAT_BUFFER) throw std::runtime_error("not a FlatBuffer");
  const uint8_t* payload = slot + h.payload_start;
  flatbuffers::Verifier verifier(payload, h.payload_length);
  if (!orders::VerifyOrderBuffer(verifier)) throw std::runtime_error("not an order");
  const orders::Order* o = orders::GetOrder(payload);
  std::printf("order %llu of %s, sequence %llu, %u lines, %s\n", static_cast<unsigned long long>(o->number()),
              o->customer() ? o->customer()->c_str() : "nobody", static_cast<unsigned long long>(h.sequence),
              o->lines() ? o->lines()->size() : 0, how);
}

// read waits for the message at a position and prints it; it returns the exit code.
int read(const Ring& ring, uint64_t position, bool quiet) {
  uint64_t mark = 0;
  Verdict v;
  while ((v = ring.look(position, &mark)) == Verdict::nothing) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  if (v == Verdict::never) return 3;
  if (v == Verdict::overrun) return 4;
  const uint8_t* slot = ring.slot(position);
  if (quiet) {
    if (!ring.data().holds(slot, ring.stride())) throw std::runtime_error("the slot is not in the mapping");
    print(slot, ring.stride(), "in place");
    return ring.unchanged(position, mark) ? 0 : 4;
  }
  const std::vector<uint64_t> own = copy(slot, ring.stride());
  if (!ring.unchanged(position, mark)) return 4;
  print(reinterpret_cast<const uint8_t*>(own.data()), ring.stride(), "copied");
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const bool quiet = argc == 4 && std::strcmp(argv[3], "--quiet") == 0;
  if (argc != 3 && !quiet) {
    std::fprintf(stderr, "usage: inplace PATH POSITION [--quiet]\n");
    return 2;
  }
  try {
    return read(Ring(argv[1]), std::strtoull(argv[2], nullptr, 10), quiet);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "inplace: %s\n", e.what());
    return 1;
  }
}
