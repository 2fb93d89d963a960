// Ranks and what passes between them. The only unit that includes MPI.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace crossfade::runner {

/// Element types of a reduction.
enum class ElementType { kFloat32, kFloat64, kInt64 };

/// An MPI communicator. Collectives must be called in the same order by all ranks of it, by one thread at a time; send,
/// receive and poll by any. Errors throw std::runtime_error with rank, host and MPI's own message.
class Communicator {
 public:
  Communicator(Communicator&&) noexcept;
  Communicator& operator=(Communicator&&) noexcept;
  ~Communicator();

  int rank() const;
  int size() const;

  /// Sums `count` elements over the ranks in place. The order of summation depends on rank and size alone, never on
  /// timing or on an element's place in the buffer, so the same run gives the same bits. Waits with back-off: does not
  /// keep a core busy.
  void all_reduce_sum(void* data, std::size_t count, ElementType type);
  void broadcast(void* data, std::size_t bytes, int root);
  std::string broadcast(const std::string& text, int root);
  void barrier();

  /// Point-to-point text messages with a tag, at most 2 GiB each. Returns when `text` may be changed.
  void send(const std::string& text, int to, int tag);
  struct Message {
    std::string text;
    int from;
  };
  /// Blocks with back-off until a message with this tag from rank `from` is there.
  Message receive(int from, int tag);
  /// The next message with this tag from any rank, or nothing.
  std::optional<Message> poll(int tag);

  Communicator duplicate() const;
  /// Ranks of the same colour, in the order of their rank here.
  Communicator split(int colour) const;
  /// Ranks of this machine.
  Communicator split_by_host() const;

 private:
  friend class World;
  struct Handle;
  explicit Communicator(std::unique_ptr<Handle> handle);
  std::unique_ptr<Handle> handle_;
};

/// The whole mpirun, from construction to destruction (MPI_Init_thread ... MPI_Finalize). A program started without
/// mpirun is a world of one. Make one, in main.
class World {
 public:
  World(int& argc, char**& argv);
  ~World();
  Communicator& communicator();
  static std::string host();
  /// "Open MPI v4.1.4, ..." in one line.
  static std::string library_version();
  /// Ends all ranks at once with `code`: for an error on one rank that the others wait in a collective for.
  [[noreturn]] void abort(int code);

 private:
  std::unique_ptr<Communicator> communicator_;
};

}  // namespace crossfade::runner
