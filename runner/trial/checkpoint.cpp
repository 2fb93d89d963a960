#include "runner/trial/checkpoint.hpp"

#include <torch/types.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "data/publish.hpp"

namespace crossfade::runner {
namespace {

using nlohmann::json;

static_assert(std::endian::native == std::endian::little, "safetensors are little-endian, and written as they lie");

constexpr std::uint64_t kLargestHeader = 100'000'000;  // the same limit as the safetensors library's
constexpr std::array<std::pair<const char*, torch::ScalarType>, 6> kTypes = {{{"F64", torch::kDouble},
                                                                              {"F32", torch::kFloat},
                                                                              {"I64", torch::kLong},
                                                                              {"I32", torch::kInt},
                                                                              {"U8", torch::kByte},
                                                                              {"BOOL", torch::kBool}}};

std::string name_of(torch::ScalarType type) {
  for (const auto& [name, known] : kTypes) {
    if (known == type) return name;
  }
  throw std::runtime_error("a tensor has a type that checkpoints do not hold");
}

torch::ScalarType type_of(const std::string& name) {
  for (const auto& [known, type] : kTypes) {
    if (known == name) return type;
  }
  throw std::runtime_error("unknown type '" + name + "'");
}

struct Entry {
  std::string name;
  torch::ScalarType type;
  std::vector<std::int64_t> shape;
  std::uint64_t first, end;
};

/// Throws std::runtime_error for shapes and offsets that do not agree.
Entry parse_entry(const std::string& name, const json& value) {
  Entry entry{name, type_of(value.at("dtype").get<std::string>()), value.at("shape").get<std::vector<std::int64_t>>(),
              value.at("data_offsets").at(0).get<std::uint64_t>(), value.at("data_offsets").at(1).get<std::uint64_t>()};
  std::uint64_t bytes = torch::elementSize(entry.type);
  for (const std::int64_t side : entry.shape) {
    if (side < 0 || __builtin_mul_overflow(bytes, static_cast<std::uint64_t>(side), &bytes)) {
      throw std::runtime_error("tensor '" + name + "' has an impossible shape");
    }
  }
  if (entry.end < entry.first || entry.end - entry.first != bytes) {
    throw std::runtime_error("tensor '" + name + "' has " + std::to_string(bytes) +
                             " bytes by its shape, but not by its offsets");
  }
  return entry;
}

/// Throws std::runtime_error unless the entries lie one behind the other over exactly `bytes` bytes.
std::vector<Entry> parse_entries(const json& header, std::uint64_t bytes) {
  std::vector<Entry> entries;
  for (const auto& [name, value] : header.items()) {
    if (name != "__metadata__") entries.push_back(parse_entry(name, value));
  }
  std::sort(entries.begin(), entries.end(),
            [](const Entry& a, const Entry& b) { return a.first != b.first ? a.first < b.first : a.end < b.end; });
  std::uint64_t at = 0;
  for (const Entry& entry : entries) {
    if (entry.first != at) throw std::runtime_error("tensor '" + entry.name + "' overlaps another or leaves a gap");
    at = entry.end;
  }
  if (at != bytes) {
    throw std::runtime_error("truncated or overlong: its tensors take " + std::to_string(at) + " bytes, the file has " +
                             std::to_string(bytes));
  }
  return entries;
}

void read_entries(std::ifstream& in, const std::vector<Entry>& entries, TensorFile& contents) {
  for (const Entry& entry : entries) {
    torch::Tensor tensor = torch::empty(entry.shape, entry.type);
    in.read(static_cast<char*>(tensor.data_ptr()), static_cast<std::streamsize>(entry.end - entry.first));
    contents.tensors.emplace_back(entry.name, std::move(tensor));
  }
}

/// Metadata alone. `entries`: what tensors follow.
TensorFile read_header(std::ifstream& in, std::uint64_t file_size, std::vector<Entry>& entries) {
  std::uint64_t header_size = 0;
  if (file_size < sizeof header_size) throw std::runtime_error("too short for a safetensors file");
  in.read(reinterpret_cast<char*>(&header_size), sizeof header_size);
  const std::uint64_t rest = file_size - sizeof header_size;
  if (header_size > std::min(rest, kLargestHeader)) {
    throw std::runtime_error("no safetensors file, or truncated within its header");
  }
  std::string text(header_size, '\0');
  in.read(text.data(), static_cast<std::streamsize>(header_size));
  const json header = json::parse(text);
  if (!header.is_object()) throw std::runtime_error("its header is no JSON object");

  TensorFile contents;
  if (const auto metadata = header.find("__metadata__"); metadata != header.end()) {
    metadata->get_to(contents.metadata);
  }
  entries = parse_entries(header, rest - header_size);
  return contents;
}

TensorFile read_file(const std::filesystem::path& file, bool with_tensors) {
  std::ifstream in(file, std::ios::binary);
  if (!in) throw std::runtime_error(file.string() + ": no such checkpoint, or it can't be opened");
  try {
    std::vector<Entry> entries;
    TensorFile contents = read_header(in, std::filesystem::file_size(file), entries);
    if (with_tensors) read_entries(in, entries, contents);
    if (!in) throw std::runtime_error("can't be read to its end");
    return contents;
  } catch (const std::exception& error) {
    throw std::runtime_error(file.string() + ": " + error.what());
  }
}

}  // namespace

const torch::Tensor& TensorFile::tensor(const std::string& name) const {
  for (const auto& [known, tensor] : tensors) {
    if (known == name) return tensor;
  }
  throw std::runtime_error("there is no tensor '" + name + "'");
}

const std::string& TensorFile::text(const std::string& key) const {
  const auto found = metadata.find(key);
  if (found == metadata.end()) throw std::runtime_error("there is no metadata '" + key + "'");
  return found->second;
}

std::uintmax_t TensorFile::bytes() const {
  std::uintmax_t sum = 0;
  for (const auto& [name, tensor] : tensors) sum += tensor.nbytes();
  return sum;
}

void write_tensors(const std::filesystem::path& file, const TensorFile& contents) {
  json header = {{"__metadata__", contents.metadata}};
  std::uint64_t at = 0;
  for (const auto& [name, tensor] : contents.tensors) {
    const auto bytes = static_cast<std::uint64_t>(tensor.numel()) * tensor.element_size();
    header[name] = {
        {"dtype", name_of(tensor.scalar_type())}, {"shape", tensor.sizes().vec()}, {"data_offsets", {at, at + bytes}}};
    at += bytes;
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');  // the layout wants the data aligned to 8 bytes
  if (text.size() > kLargestHeader)
    throw std::runtime_error(file.string() + ": a header of " + std::to_string(text.size()) + " bytes, of which " +
                             std::to_string(kLargestHeader) + " can be read");

  if (file.has_parent_path()) data::make_folders(file.parent_path());
  data::Partial partial(file);
  const std::uint64_t length = text.size();
  std::ofstream out(partial.path(), std::ios::binary);
  out.write(reinterpret_cast<const char*>(&length), sizeof length);
  out.write(text.data(), static_cast<std::streamsize>(text.size()));
  for (const auto& [name, tensor] : contents.tensors) {
    const torch::Tensor host = tensor.detach().cpu().contiguous();
    out.write(static_cast<const char*>(host.data_ptr()), static_cast<std::streamsize>(host.nbytes()));
  }
  out.close();
  if (!out) throw std::runtime_error(file.string() + ": can't be written (disk full, or no permission?)");
  partial.publish();
}

TensorFile read_tensors(const std::filesystem::path& file) {
  return read_file(file, true);
}

TensorFile read_metadata(const std::filesystem::path& file) {
  return read_file(file, false);
}

}  // namespace crossfade::runner
