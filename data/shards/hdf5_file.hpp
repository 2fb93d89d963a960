// HDF5 files behind plain types. hdf5_file.cpp is the only source file that includes HDF5.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace crossfade::data {

/// Sizes of a dataset, slowest axis first.
using Extent = std::vector<std::uint64_t>;

/// "[4, 6, 8]", for messages.
std::string to_text(const Extent& extent);

/// Numbers are one of std::uint8_t, std::int16_t, std::int32_t, std::uint64_t, float and double; all are little-endian
/// on disk. `object` is
/// "/" or the path of a group or dataset. Every failure is a std::runtime_error of one line that names the file and the
/// dataset or attribute. HDF5 is not thread-safe as distributions build it, so one mutex of the process serialises all
/// calls: any thread may use any reader.
class Hdf5Reader {
 public:
  /// Opens read-only; any number of processes may have the same file open.
  explicit Hdf5Reader(std::filesystem::path file);
  Hdf5Reader(Hdf5Reader&&) noexcept;
  ~Hdf5Reader();

  std::string text(const std::string& object, const std::string& attribute) const;
  std::vector<std::string> texts(const std::string& object, const std::string& attribute) const;
  /// An attribute of exactly `count` numbers, in row-major order.
  template <class T>
  std::vector<T> numbers(const std::string& object, const std::string& attribute, std::size_t count) const;

  Extent shape(const std::string& dataset) const;
  /// Whether the dataset's numbers are of this type.
  template <class T>
  bool holds(const std::string& dataset) const;
  /// A whole dataset; refused where its type or shape is another.
  template <class T>
  std::vector<T> dataset(const std::string& dataset, const Extent& shape) const;
  /// Rows [first, first + count) of the slowest axis into `into`, whose size must fit.
  template <class T>
  void rows(const std::string& dataset, std::uint64_t first, std::uint64_t count, std::span<T> into) const;

  /// Throws the error that names this file: "FILE: WHAT".
  [[noreturn]] void refuse(const std::string& what) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

class Hdf5Writer {
 public:
  /// Creates or replaces `file`.
  explicit Hdf5Writer(std::filesystem::path file);
  ~Hdf5Writer();

  void group(const std::string& name);
  void text(const std::string& object, const std::string& attribute, const std::string& value);
  void texts(const std::string& object, const std::string& attribute, std::span<const std::string> values);
  template <class T>
  void numbers(const std::string& object, const std::string& attribute, const Extent& shape, std::span<const T> values);
  /// A dataset in chunks of `chunk`, each compressed (gzip level 1) and with a Fletcher-32 checksum.
  template <class T>
  void dataset(const std::string& name, const Extent& shape, const Extent& chunk, std::span<const T> values);
  /// Flushes and closes. Without it the file is not whole.
  void close();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace crossfade::data
