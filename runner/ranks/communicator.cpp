#include "runner/ranks/communicator.hpp"

// The C++ bindings, removed from MPI-3, would have to be linked.
#define OMPI_SKIP_MPICXX 1
#define MPICH_SKIP_MPICXX 1
#include <mpi.h>

#include <algorithm>
#include <chrono>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <thread>
#include <vector>

namespace crossfade::runner {
namespace {

std::string processor_name() {
  char name[MPI_MAX_PROCESSOR_NAME];
  int length = 0;
  MPI_Get_processor_name(name, &length);
  return {name, static_cast<std::size_t>(length)};
}

/// Polls `done` until it is true. A waiting rank gives its core away: the convolution of its neighbour needs it.
template <class Done>
void wait_until(Done done, std::chrono::microseconds longest_pause) {
  constexpr int kSpins = 200, kYields = 200;
  for (int i = 0; i < kSpins; ++i) {
    if (done()) return;
  }
  for (int i = 0; i < kYields; ++i) {
    if (done()) return;
    std::this_thread::yield();
  }
  for (auto pause = std::chrono::microseconds(10); !done(); pause = std::min(2 * pause, longest_pause)) {
    std::this_thread::sleep_for(pause);
  }
}

// A collective is worth waking up for at once; a message (a trial, a result) is not.
constexpr auto kCollectivePause = std::chrono::microseconds(20);
constexpr auto kMessagePause = std::chrono::microseconds(2000);

template <class T>
void add(T* sum, const T* other, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) sum[i] += other[i];
}

void add(std::byte* sum, const std::byte* other, std::size_t count, ElementType type) {
  switch (type) {
    case ElementType::kFloat32:
      return add(reinterpret_cast<float*>(sum), reinterpret_cast<const float*>(other), count);
    case ElementType::kFloat64:
      return add(reinterpret_cast<double*>(sum), reinterpret_cast<const double*>(other), count);
    case ElementType::kInt64:
      return add(reinterpret_cast<std::int64_t*>(sum), reinterpret_cast<const std::int64_t*>(other), count);
  }
}

std::size_t size_of(ElementType type) {
  return type == ElementType::kFloat32 ? 4 : 8;
}

}  // namespace

struct Communicator::Handle {
  MPI_Comm comm = MPI_COMM_NULL;
  bool owned = false;
  int rank = 0, size = 1;
  std::vector<std::byte> scratch;

  Handle(MPI_Comm given, bool own) : comm(given), owned(own) {
    MPI_Comm_set_errhandler(comm, MPI_ERRORS_RETURN);
    MPI_Comm_rank(comm, &rank);
    MPI_Comm_size(comm, &size);
  }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  ~Handle() {
    int finalized = 0;
    MPI_Finalized(&finalized);
    if (owned && finalized == 0) MPI_Comm_free(&comm);
  }

  void check(int code, const char* call) const {
    if (code == MPI_SUCCESS) return;
    char text[MPI_MAX_ERROR_STRING];
    int length = 0;
    MPI_Error_string(code, text, &length);
    throw std::runtime_error(std::string(call) + " failed on rank " + std::to_string(rank) + " of " +
                             std::to_string(size) + " (" + processor_name() +
                             "): " + std::string(text, static_cast<std::size_t>(length)));
  }

  void wait(MPI_Request& request, const char* call) {
    wait_until(
        [&] {
          int done = 0;
          check(MPI_Test(&request, &done, MPI_STATUS_IGNORE), call);
          return done != 0;
        },
        kCollectivePause);
  }

  /// Everyone gets everything and sums it alone: one exchange, for few elements.
  void sum_gathered(std::byte* data, std::size_t count, ElementType type) {
    const std::size_t bytes = count * size_of(type);
    scratch.resize(bytes * static_cast<std::size_t>(size));
    MPI_Request request;
    check(MPI_Iallgather(data, static_cast<int>(bytes), MPI_BYTE, scratch.data(), static_cast<int>(bytes), MPI_BYTE,
                         comm, &request),
          "MPI_Iallgather");
    wait(request, "MPI_Iallgather");
    sum_pieces(data, bytes, count, type);
  }

  /// Each rank sums one part of the elements and hands it out: two exchanges of 2 (R-1)/R of the data.
  void sum_in_parts(std::byte* data, std::size_t count, ElementType type) {
    const auto ranks = static_cast<std::size_t>(size);
    const auto first = [&](std::size_t r) { return count * r / ranks; };
    const auto bytes = [&](std::size_t elements) { return static_cast<int>(elements * size_of(type)); };
    std::vector<int> part_bytes(ranks), part_at(ranks), piece_bytes(ranks), piece_at(ranks);
    const auto me = static_cast<std::size_t>(rank);
    const std::size_t mine = first(me + 1) - first(me);
    for (std::size_t r = 0; r < ranks; ++r) {
      part_bytes[r] = bytes(first(r + 1) - first(r));
      part_at[r] = bytes(first(r));
      piece_bytes[r] = bytes(mine);
      piece_at[r] = bytes(mine * r);
    }
    scratch.resize(mine * size_of(type) * ranks);
    MPI_Request request;
    check(MPI_Ialltoallv(data, part_bytes.data(), part_at.data(), MPI_BYTE, scratch.data(), piece_bytes.data(),
                         piece_at.data(), MPI_BYTE, comm, &request),
          "MPI_Ialltoallv");
    wait(request, "MPI_Ialltoallv");
    sum_pieces(data + part_at[me], mine * size_of(type), mine, type);
    check(MPI_Iallgatherv(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, data, part_bytes.data(), part_at.data(), MPI_BYTE, comm,
                          &request),
          "MPI_Iallgatherv");
    wait(request, "MPI_Iallgatherv");
  }

  /// Always in the order of ranks, whoever sums: this is what makes the sum independent of an element's place.
  void sum_pieces(std::byte* sum, std::size_t bytes, std::size_t count, ElementType type) const {
    std::memcpy(sum, scratch.data(), bytes);
    for (int r = 1; r < size; ++r) add(sum, scratch.data() + static_cast<std::size_t>(r) * bytes, count, type);
  }
};

Communicator::Communicator(std::unique_ptr<Handle> handle) : handle_(std::move(handle)) {}
Communicator::Communicator(Communicator&&) noexcept = default;
Communicator& Communicator::operator=(Communicator&&) noexcept = default;
Communicator::~Communicator() = default;

int Communicator::rank() const {
  return handle_->rank;
}
int Communicator::size() const {
  return handle_->size;
}

void Communicator::all_reduce_sum(void* data, std::size_t count, ElementType type) {
  if (handle_->size == 1) return;
  constexpr std::size_t kFew = 1024;
  constexpr std::size_t kChunk = std::size_t{1} << 22;  // bounds the scratch space and keeps byte counts within an int
  auto* bytes = static_cast<std::byte*>(data);
  if (count <= kFew) return handle_->sum_gathered(bytes, count, type);
  for (std::size_t first = 0; first < count; first += kChunk) {
    handle_->sum_in_parts(bytes + first * size_of(type), std::min(kChunk, count - first), type);
  }
}

void Communicator::broadcast(void* data, std::size_t bytes, int root) {
  if (handle_->size == 1) return;
  for (std::size_t first = 0; first < bytes; first += INT_MAX) {
    const auto count = static_cast<int>(std::min<std::size_t>(INT_MAX, bytes - first));
    MPI_Request request;
    handle_->check(MPI_Ibcast(static_cast<std::byte*>(data) + first, count, MPI_BYTE, root, handle_->comm, &request),
                   "MPI_Ibcast");
    handle_->wait(request, "MPI_Ibcast");
  }
}

std::string Communicator::broadcast(const std::string& text, int root) {
  std::uint64_t length = text.size();
  broadcast(&length, sizeof length, root);
  std::string result = rank() == root ? text : std::string(length, '\0');
  broadcast(result.data(), length, root);
  return result;
}

void Communicator::barrier() {
  MPI_Request request;
  handle_->check(MPI_Ibarrier(handle_->comm, &request), "MPI_Ibarrier");
  handle_->wait(request, "MPI_Ibarrier");
}

void Communicator::send(const std::string& text, int to, int tag) {
  if (text.size() > INT_MAX) throw std::runtime_error("a message of more than 2 GiB can't be sent");
  MPI_Request request;
  handle_->check(MPI_Isend(text.data(), static_cast<int>(text.size()), MPI_BYTE, to, tag, handle_->comm, &request),
                 "MPI_Isend");
  handle_->wait(request, "MPI_Isend");
}

namespace {

std::string receive_matched(MPI_Message& message, const MPI_Status& status, int& code) {
  int length = 0;
  MPI_Get_count(&status, MPI_BYTE, &length);
  std::string text(static_cast<std::size_t>(length), '\0');
  code = MPI_Mrecv(text.data(), length, MPI_BYTE, &message, MPI_STATUS_IGNORE);
  return text;
}

}  // namespace

Communicator::Message Communicator::receive(int from, int tag) {
  MPI_Message message;
  MPI_Status status;
  wait_until(
      [&] {
        int there = 0;
        handle_->check(MPI_Improbe(from, tag, handle_->comm, &there, &message, &status), "MPI_Improbe");
        return there != 0;
      },
      kMessagePause);
  int code = MPI_SUCCESS;
  std::string text = receive_matched(message, status, code);
  handle_->check(code, "MPI_Mrecv");
  return {std::move(text), status.MPI_SOURCE};
}

std::optional<Communicator::Message> Communicator::poll(int tag) {
  MPI_Message message;
  MPI_Status status;
  int there = 0;
  handle_->check(MPI_Improbe(MPI_ANY_SOURCE, tag, handle_->comm, &there, &message, &status), "MPI_Improbe");
  if (there == 0) return std::nullopt;
  int code = MPI_SUCCESS;
  std::string text = receive_matched(message, status, code);
  handle_->check(code, "MPI_Mrecv");
  return Message{std::move(text), status.MPI_SOURCE};
}

Communicator Communicator::duplicate() const {
  MPI_Comm comm;
  handle_->check(MPI_Comm_dup(handle_->comm, &comm), "MPI_Comm_dup");
  return Communicator(std::make_unique<Handle>(comm, true));
}

Communicator Communicator::split(int colour) const {
  MPI_Comm comm;
  handle_->check(MPI_Comm_split(handle_->comm, colour, handle_->rank, &comm), "MPI_Comm_split");
  return Communicator(std::make_unique<Handle>(comm, true));
}

Communicator Communicator::split_by_host() const {
  MPI_Comm comm;
  handle_->check(MPI_Comm_split_type(handle_->comm, MPI_COMM_TYPE_SHARED, handle_->rank, MPI_INFO_NULL, &comm),
                 "MPI_Comm_split_type");
  return Communicator(std::make_unique<Handle>(comm, true));
}

World::World(int& argc, char**& argv) {
  int provided = MPI_THREAD_SINGLE;
  if (MPI_Init_thread(&argc, &argv, MPI_THREAD_MULTIPLE, &provided) != MPI_SUCCESS) {
    throw std::runtime_error("MPI can't be started");
  }
  if (provided < MPI_THREAD_MULTIPLE) {
    MPI_Finalize();
    throw std::runtime_error("this MPI (" + library_version() +
                             ") does not let several threads communicate (MPI_THREAD_MULTIPLE), which is needed to "
                             "average gradients during the backward pass");
  }
  communicator_.reset(new Communicator(std::make_unique<Communicator::Handle>(MPI_COMM_WORLD, false)));
}

World::~World() {
  communicator_.reset();
  MPI_Finalize();
}

Communicator& World::communicator() {
  return *communicator_;
}

std::string World::host() {
  return processor_name();
}

std::string World::library_version() {
  char text[MPI_MAX_LIBRARY_VERSION_STRING];
  int length = 0;
  MPI_Get_library_version(text, &length);
  std::string line(text, static_cast<std::size_t>(length));
  line = line.substr(0, line.find('\n'));
  while (!line.empty() && (line.back() == '\0' || line.back() == ' ')) line.pop_back();
  return line;
}

void World::abort(int code) {
  MPI_Abort(MPI_COMM_WORLD, code);
  std::abort();  // MPI_Abort is not declared to never return
}

}  // namespace crossfade::runner
