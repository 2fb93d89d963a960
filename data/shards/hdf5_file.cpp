#include "data/shards/hdf5_file.hpp"

#include <hdf5.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <map>
#include <mutex>
#include <numeric>
#include <stdexcept>
#include <utility>

namespace crossfade::data {
namespace {

/// Holds the process's one lock on HDF5 and silences its own printing of errors, which is a setting of the thread in
/// thread-safe builds and of the process in others.
class Session {
 public:
  Session() : lock_(mutex()) { H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr); }

 private:
  static std::mutex& mutex() {
    static std::mutex instance;
    return instance;
  }
  std::lock_guard<std::mutex> lock_;
};

/// Owns an HDF5 identifier. Made, used and destroyed within a Session.
class Id {
 public:
  Id() = default;
  Id(hid_t id, herr_t (*close)(hid_t)) : id_(id), close_(close) {}
  Id(Id&& other) noexcept : id_(std::exchange(other.id_, -1)), close_(other.close_) {}
  Id& operator=(Id&& other) noexcept {
    std::swap(id_, other.id_);
    std::swap(close_, other.close_);
    return *this;
  }
  ~Id() {
    if (id_ >= 0) close_(id_);
  }
  hid_t get() const { return id_; }
  bool valid() const { return id_ >= 0; }
  /// Closes now and tells whether that worked, which the destructor cannot.
  bool close() { return id_ < 0 || close_(std::exchange(id_, -1)) >= 0; }

 private:
  hid_t id_ = -1;
  herr_t (*close_)(hid_t) = nullptr;
};

/// What HDF5 says of the call that failed: the innermost entry of its error stack.
std::string reason() {
  std::string text;
  H5Ewalk2(
      H5E_DEFAULT, H5E_WALK_UPWARD,
      [](unsigned n, const H5E_error2_t* error, void* out) -> herr_t {
        if (n == 0 && error->desc != nullptr) *static_cast<std::string*>(out) = error->desc;
        return 0;
      },
      &text);
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text.empty() ? "" : " (HDF5: " + text + ")";
}

[[noreturn]] void fail(const std::filesystem::path& file, const std::string& what) {
  throw std::runtime_error(file.string() + ": " + what);
}

std::string quoted(const std::string& object, const std::string& attribute) {
  return object == "/" ? "attribute '" + attribute + "'" : "attribute '" + attribute + "' of '" + object + "'";
}

template <class T>
struct Types;
template <>
struct Types<std::uint8_t> {
  static hid_t disk() { return H5T_STD_U8LE; }
  static hid_t memory() { return H5T_NATIVE_UINT8; }
  static constexpr const char* kName = "unsigned 8-bit integers";
};
template <>
struct Types<std::int16_t> {
  static hid_t disk() { return H5T_STD_I16LE; }
  static hid_t memory() { return H5T_NATIVE_INT16; }
  static constexpr const char* kName = "signed 16-bit integers";
};
template <>
struct Types<std::int32_t> {
  static hid_t disk() { return H5T_STD_I32LE; }
  static hid_t memory() { return H5T_NATIVE_INT32; }
  static constexpr const char* kName = "signed 32-bit integers";
};
template <>
struct Types<std::uint64_t> {
  static hid_t disk() { return H5T_STD_U64LE; }
  static hid_t memory() { return H5T_NATIVE_UINT64; }
  static constexpr const char* kName = "unsigned 64-bit integers";
};
template <>
struct Types<float> {
  static hid_t disk() { return H5T_IEEE_F32LE; }
  static hid_t memory() { return H5T_NATIVE_FLOAT; }
  static constexpr const char* kName = "32-bit floating-point numbers";
};
template <>
struct Types<double> {
  static hid_t disk() { return H5T_IEEE_F64LE; }
  static hid_t memory() { return H5T_NATIVE_DOUBLE; }
  static constexpr const char* kName = "64-bit floating-point numbers";
};

Extent extent_of(hid_t space) {
  const int rank = H5Sget_simple_extent_ndims(space);
  std::vector<hsize_t> sizes(static_cast<std::size_t>(std::max(rank, 0)));
  if (rank > 0) H5Sget_simple_extent_dims(space, sizes.data(), nullptr);
  return {sizes.begin(), sizes.end()};
}

std::uint64_t count_of(const Extent& extent) {
  return std::accumulate(extent.begin(), extent.end(), std::uint64_t{1}, std::multiplies<>());
}

Id simple_space(const Extent& extent) {
  const std::vector<hsize_t> sizes(extent.begin(), extent.end());
  return {H5Screate_simple(static_cast<int>(sizes.size()), sizes.data(), nullptr), H5Sclose};
}

/// Strings of a fixed length, padded with zeros: unlike those of variable length they lie within the object's header,
/// whose checksum covers them.
Id text_type(std::size_t length) {
  Id type{H5Tcopy(H5T_C_S1), H5Tclose};
  H5Tset_size(type.get(), std::max<std::size_t>(length, 1));
  H5Tset_strpad(type.get(), H5T_STR_NULLPAD);
  H5Tset_cset(type.get(), H5T_CSET_UTF8);
  return type;
}

/// Files appear whole and are then read alone, so that HDF5's locks guard nothing; and not every file system has them.
void without_locks(hid_t access) {
  H5Pset_file_locking(access, /*use_file_locking=*/false, /*ignore_when_disabled=*/true);
}

}  // namespace

std::string to_text(const Extent& extent) {
  std::string text = "[";
  for (const std::uint64_t size : extent) text += (text.size() > 1 ? ", " : "") + std::to_string(size);
  return text + "]";
}

// ---- reading ----

struct Hdf5Reader::State {
  std::filesystem::path file;
  Id handle;
  mutable std::map<std::string, Id> datasets;  // opened on first use: opening one costs more than reading a slice

  const Id& open(const std::string& name) const {
    const auto found = datasets.find(name);
    if (found != datasets.end()) return found->second;
    // Slices are read in random order and each is a chunk: HDF5's cache of chunks would only cost memory, per dataset.
    const Id access{H5Pcreate(H5P_DATASET_ACCESS), H5Pclose};
    H5Pset_chunk_cache(access.get(), 1, 0, 0);
    Id dataset{H5Dopen2(handle.get(), name.c_str(), access.get()), H5Dclose};
    if (!dataset.valid()) fail(file, "dataset '" + name + "' is missing or unreadable" + reason());
    return datasets.emplace(name, std::move(dataset)).first->second;
  }

  Extent shape(const std::string& name) const {
    const Id space{H5Dget_space(open(name).get()), H5Sclose};
    return extent_of(space.get());
  }

  template <class T>
  void require_type(const std::string& name) const {
    const Id type{H5Dget_type(open(name).get()), H5Tclose};
    if (H5Tequal(type.get(), Types<T>::disk()) <= 0)
      fail(file, "dataset '" + name + "' does not hold " + Types<T>::kName);
  }

  template <class T>
  void read(const std::string& name, hid_t memory_space, hid_t file_space, T* into) const {
    if (H5Dread(open(name).get(), Types<T>::memory(), memory_space, file_space, H5P_DEFAULT, into) < 0)
      fail(file, "dataset '" + name + "' is damaged: it cannot be read" + reason());
  }

  Id attribute(const std::string& object, const std::string& name) const {
    Id id{H5Aopen_by_name(handle.get(), object.c_str(), name.c_str(), H5P_DEFAULT, H5P_DEFAULT), H5Aclose};
    if (!id.valid()) fail(file, quoted(object, name) + " is missing or unreadable" + reason());
    return id;
  }
};

Hdf5Reader::Hdf5Reader(std::filesystem::path file) : state_(std::make_unique<State>()) {
  state_->file = std::move(file);
  std::error_code error;
  if (!std::filesystem::is_regular_file(state_->file, error)) fail(state_->file, "there is no such file");
  const Session session;
  const Id access{H5Pcreate(H5P_FILE_ACCESS), H5Pclose};
  without_locks(access.get());
  state_->handle = Id{H5Fopen(state_->file.c_str(), H5F_ACC_RDONLY, access.get()), H5Fclose};
  if (state_->handle.valid()) return;
  if (!std::ifstream(state_->file)) fail(state_->file, std::string("cannot be opened: ") + std::strerror(errno));
  fail(state_->file, "cannot be opened as HDF5: truncated, damaged or none" + reason());
}

Hdf5Reader::Hdf5Reader(Hdf5Reader&&) noexcept = default;

Hdf5Reader::~Hdf5Reader() {
  const Session session;
  state_.reset();
}

std::vector<std::string> Hdf5Reader::texts(const std::string& object, const std::string& attribute) const {
  const Session session;
  const Id id = state_->attribute(object, attribute);
  const Id type{H5Aget_type(id.get()), H5Tclose};
  if (H5Tget_class(type.get()) != H5T_STRING || H5Tis_variable_str(type.get()) > 0)
    fail(state_->file, quoted(object, attribute) + " is no text of fixed length");
  const Id space{H5Aget_space(id.get()), H5Sclose};
  const std::size_t count = count_of(extent_of(space.get()));
  const std::size_t length = H5Tget_size(type.get());
  std::string buffer(count * length, '\0');
  if (H5Aread(id.get(), text_type(length).get(), buffer.data()) < 0)
    fail(state_->file, quoted(object, attribute) + " cannot be read" + reason());
  std::vector<std::string> values;
  for (std::size_t i = 0; i < count; ++i) {
    const std::string value = buffer.substr(i * length, length);
    values.push_back(value.substr(0, value.find('\0')));
  }
  return values;
}

std::string Hdf5Reader::text(const std::string& object, const std::string& attribute) const {
  const std::vector<std::string> values = texts(object, attribute);
  if (values.size() != 1) refuse(quoted(object, attribute) + " is no single text");
  return values.front();
}

template <class T>
std::vector<T> Hdf5Reader::numbers(const std::string& object, const std::string& attribute, std::size_t count) const {
  const Session session;
  const Id id = state_->attribute(object, attribute);
  const Id type{H5Aget_type(id.get()), H5Tclose};
  if (H5Tequal(type.get(), Types<T>::disk()) <= 0)
    fail(state_->file, quoted(object, attribute) + " does not hold " + Types<T>::kName);
  const Id space{H5Aget_space(id.get()), H5Sclose};
  const std::uint64_t found = count_of(extent_of(space.get()));
  if (found != count)
    fail(state_->file,
         quoted(object, attribute) + " has " + std::to_string(found) + " values instead of " + std::to_string(count));
  std::vector<T> values(count);
  if (H5Aread(id.get(), Types<T>::memory(), values.data()) < 0)
    fail(state_->file, quoted(object, attribute) + " cannot be read" + reason());
  return values;
}

Extent Hdf5Reader::shape(const std::string& dataset) const {
  const Session session;
  return state_->shape(dataset);
}

template <class T>
bool Hdf5Reader::holds(const std::string& dataset) const {
  const Session session;
  const Id type{H5Dget_type(state_->open(dataset).get()), H5Tclose};
  return H5Tequal(type.get(), Types<T>::disk()) > 0;
}

template <class T>
std::vector<T> Hdf5Reader::dataset(const std::string& dataset, const Extent& shape) const {
  const Session session;
  state_->require_type<T>(dataset);
  const Extent found = state_->shape(dataset);
  if (found != shape)
    fail(state_->file, "dataset '" + dataset + "' has the shape " + to_text(found) + " instead of " + to_text(shape));
  std::vector<T> values(count_of(shape));
  state_->read(dataset, H5S_ALL, H5S_ALL, values.data());
  return values;
}

template <class T>
void Hdf5Reader::rows(const std::string& dataset, std::uint64_t first, std::uint64_t count, std::span<T> into) const {
  const Session session;
  state_->require_type<T>(dataset);
  const Extent shape = state_->shape(dataset);
  if (shape.empty() || first + count > shape[0])
    fail(state_->file, "dataset '" + dataset + "' of shape " + to_text(shape) + " has no rows " +
                           std::to_string(first) + " to " + std::to_string(first + count));
  std::vector<hsize_t> start(shape.size(), 0);
  std::vector<hsize_t> block(shape.begin(), shape.end());
  start[0] = first;
  block[0] = count;
  if (count_of({block.begin(), block.end()}) != into.size())
    fail(state_->file, "dataset '" + dataset + "' of shape " + to_text(shape) + ": a buffer of " +
                           std::to_string(into.size()) + " values does not fit " + std::to_string(count) + " rows");
  const Id file_space{H5Dget_space(state_->open(dataset).get()), H5Sclose};
  H5Sselect_hyperslab(file_space.get(), H5S_SELECT_SET, start.data(), nullptr, block.data(), nullptr);
  const Id memory_space = simple_space({block.begin(), block.end()});
  state_->read(dataset, memory_space.get(), file_space.get(), into.data());
}

void Hdf5Reader::refuse(const std::string& what) const {
  fail(state_->file, what);
}

// ---- writing ----

struct Hdf5Writer::State {
  std::filesystem::path file;
  Id handle;

  void require(bool ok, const std::string& what) const {
    if (!ok) fail(file, what + " cannot be written" + reason());
  }

  void write_attribute(const std::string& object, const std::string& name, const Id& disk, hid_t memory,
                       const Id& space, const void* values) const {
    const Id id{H5Acreate_by_name(handle.get(), object.c_str(), name.c_str(), disk.get(), space.get(), H5P_DEFAULT,
                                  H5P_DEFAULT, H5P_DEFAULT),
                H5Aclose};
    require(id.valid() && H5Awrite(id.get(), memory, values) >= 0, quoted(object, name));
  }

  void write_texts(const std::string& object, const std::string& name, std::span<const std::string> values,
                   const Id& space) const {
    std::size_t length = 1;
    for (const std::string& value : values) length = std::max(length, value.size());
    std::string buffer;
    for (const std::string& value : values) buffer += value + std::string(length - value.size(), '\0');
    const Id type = text_type(length);
    write_attribute(object, name, type, type.get(), space, buffer.data());
  }
};

Hdf5Writer::Hdf5Writer(std::filesystem::path file) : state_(std::make_unique<State>()) {
  state_->file = std::move(file);
  const Session session;
  const Id access{H5Pcreate(H5P_FILE_ACCESS), H5Pclose};
  // This version of the format has checksums over all metadata.
  H5Pset_libver_bounds(access.get(), H5F_LIBVER_V110, H5F_LIBVER_V110);
  without_locks(access.get());
  const Id creation{H5Pcreate(H5P_FILE_CREATE), H5Pclose};
  H5Pset_obj_track_times(creation.get(), false);  // of the root group; without times, equal contents make equal files
  state_->handle = Id{H5Fcreate(state_->file.c_str(), H5F_ACC_TRUNC, creation.get(), access.get()), H5Fclose};
  if (!state_->handle.valid()) fail(state_->file, "cannot be created" + reason());
}

Hdf5Writer::~Hdf5Writer() {
  const Session session;
  state_.reset();
}

void Hdf5Writer::group(const std::string& name) {
  const Session session;
  const Id creation{H5Pcreate(H5P_GROUP_CREATE), H5Pclose};
  H5Pset_obj_track_times(creation.get(), false);
  const Id id{H5Gcreate2(state_->handle.get(), name.c_str(), H5P_DEFAULT, creation.get(), H5P_DEFAULT), H5Gclose};
  state_->require(id.valid(), "group '" + name + "'");
}

void Hdf5Writer::text(const std::string& object, const std::string& attribute, const std::string& value) {
  const Session session;
  state_->write_texts(object, attribute, {&value, 1}, Id{H5Screate(H5S_SCALAR), H5Sclose});
}

void Hdf5Writer::texts(const std::string& object, const std::string& attribute, std::span<const std::string> values) {
  const Session session;
  state_->write_texts(object, attribute, values, simple_space({values.size()}));
}

template <class T>
void Hdf5Writer::numbers(const std::string& object, const std::string& attribute, const Extent& shape,
                         std::span<const T> values) {
  const Session session;
  const Id disk{H5Tcopy(Types<T>::disk()), H5Tclose};
  state_->require(count_of(shape) == values.size(), quoted(object, attribute));
  state_->write_attribute(object, attribute, disk, Types<T>::memory(),
                          shape.empty() ? Id{H5Screate(H5S_SCALAR), H5Sclose} : simple_space(shape), values.data());
}

template <class T>
void Hdf5Writer::dataset(const std::string& name, const Extent& shape, const Extent& chunk, std::span<const T> values) {
  const Session session;
  const Id creation{H5Pcreate(H5P_DATASET_CREATE), H5Pclose};
  const std::vector<hsize_t> chunk_sizes(chunk.begin(), chunk.end());
  H5Pset_chunk(creation.get(), static_cast<int>(chunk_sizes.size()), chunk_sizes.data());
  if (sizeof(T) > 1) H5Pset_shuffle(creation.get());
  H5Pset_deflate(creation.get(), 1);
  H5Pset_fletcher32(creation.get());  // last, so that it covers what lies on disk
  H5Pset_obj_track_times(creation.get(), false);
  const Id space = simple_space(shape);
  const Id id{H5Dcreate2(state_->handle.get(), name.c_str(), Types<T>::disk(), space.get(), H5P_DEFAULT, creation.get(),
                         H5P_DEFAULT),
              H5Dclose};
  state_->require(count_of(shape) == values.size() && id.valid() &&
                      H5Dwrite(id.get(), Types<T>::memory(), H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()) >= 0,
                  "dataset '" + name + "'");
}

void Hdf5Writer::close() {
  const Session session;
  state_->require(H5Fflush(state_->handle.get(), H5F_SCOPE_GLOBAL) >= 0 && state_->handle.close(), "the file's end");
}

#define CROSSFADE_INSTANTIATE(T)                                                                                   \
  template std::vector<T> Hdf5Reader::numbers<T>(const std::string&, const std::string&, std::size_t) const;       \
  template bool Hdf5Reader::holds<T>(const std::string&) const;                                                    \
  template std::vector<T> Hdf5Reader::dataset<T>(const std::string&, const Extent&) const;                         \
  template void Hdf5Reader::rows<T>(const std::string&, std::uint64_t, std::uint64_t, std::span<T>) const;         \
  template void Hdf5Writer::numbers<T>(const std::string&, const std::string&, const Extent&, std::span<const T>); \
  template void Hdf5Writer::dataset<T>(const std::string&, const Extent&, const Extent&, std::span<const T>);
CROSSFADE_INSTANTIATE(std::uint8_t)
CROSSFADE_INSTANTIATE(std::int16_t)
CROSSFADE_INSTANTIATE(std::int32_t)
CROSSFADE_INSTANTIATE(std::uint64_t)
CROSSFADE_INSTANTIATE(float)
CROSSFADE_INSTANTIATE(double)
#undef CROSSFADE_INSTANTIATE

}  // namespace crossfade::data
