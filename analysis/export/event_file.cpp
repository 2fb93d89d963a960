#include "analysis/export/event_file.hpp"

#include <array>
#include <bit>
#include <stdexcept>

namespace crossfade::analysis {
namespace {

static_assert(std::endian::native == std::endian::little, "records and doubles are little-endian");

template <class Number>
std::string bytes_of(Number number) {
  const auto raw = std::bit_cast<std::array<char, sizeof number>>(number);
  return {raw.begin(), raw.end()};
}

// Protocol buffers' wire format: a key is the field's number and how its value is written.

std::string varint(std::uint64_t value) {
  std::string out;
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  return out + static_cast<char>(value);
}

std::string key(unsigned field, unsigned type) {
  return varint(field << 3 | type);
}

std::string of_integer(unsigned field, std::int64_t value) {
  return key(field, 0) + varint(static_cast<std::uint64_t>(value));
}

std::string of_double(unsigned field, double value) {
  return key(field, 1) + bytes_of(value);
}

std::string of_bytes(unsigned field, const std::string& value) {  // texts and messages
  return key(field, 2) + varint(value.size()) + value;
}

std::string of_float(unsigned field, float value) {
  return key(field, 5) + bytes_of(value);
}

const std::string kNoTensor("\x08\x01\x12\x02\x12\x00", 6);  // floats of shape [0]: where there is metadata alone

/// A Summary with one Value that is hparams' data.
std::string plugin_summary(const std::string& tag, const std::string& data) {
  const std::string plugin = of_bytes(1, "hparams") + of_bytes(2, data);
  return of_bytes(1, of_bytes(1, tag) + of_bytes(8, kNoTensor) + of_bytes(9, of_bytes(1, plugin)));
}

enum DataType { kText = 1, kBoolean = 2, kNumber = 3 };

DataType type_of(const Hyperparameter& value) {
  if (std::holds_alternative<std::string>(value)) return kText;
  return std::holds_alternative<bool>(value) ? kBoolean : kNumber;
}

/// A google.protobuf.Value.
std::string value_of(const Hyperparameter& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return of_bytes(3, *text);
  if (const auto* flag = std::get_if<bool>(&value)) return of_integer(4, *flag ? 1 : 0);
  return of_double(2, std::get<double>(value));
}

std::uint32_t masked(std::uint32_t crc) {
  return std::rotr(crc, 15) + 0xA282EAD8U;
}

}  // namespace

std::uint32_t crc32c(const std::string& bytes) {
  constexpr std::uint32_t kPolynomial = 0x82F63B78U;  // reversed
  std::uint32_t crc = ~0U;
  for (const char byte : bytes) {
    crc ^= static_cast<unsigned char>(byte);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1U) != 0 ? kPolynomial : 0U);
  }
  return ~crc;
}

EventFile::EventFile(const std::string& file, double wall_time) : file_(file), out_(file, std::ios::binary) {
  event(of_double(1, wall_time) + of_bytes(3, "brain.Event:2"));
}

void EventFile::event(const std::string& content) {
  const std::string length = bytes_of<std::uint64_t>(content.size());
  out_ << length << bytes_of(masked(crc32c(length))) << content << bytes_of(masked(crc32c(content)));
}

void EventFile::scalar(const std::string& tag, double wall_time, std::int64_t step, double value) {
  const std::string summary = of_bytes(1, of_bytes(1, tag) + of_float(2, static_cast<float>(value)));
  event(of_double(1, wall_time) + of_integer(2, step) + of_bytes(5, summary));
}

void EventFile::hyperparameters(double wall_time, const std::map<std::string, Hyperparameter>& values,
                                const std::vector<std::string>& metrics) {
  constexpr int kSuccess = 1;
  std::string experiment, start;
  for (const auto& [name, value] : values) {
    experiment += of_bytes(4, of_bytes(1, name) + of_integer(4, type_of(value)));
    start += of_bytes(1, of_bytes(1, name) + of_bytes(2, value_of(value)));  // an entry of a map
  }
  for (const std::string& tag : metrics) experiment += of_bytes(5, of_bytes(1, of_bytes(2, tag)));
  const auto add = [&](const std::string& tag, unsigned field, const std::string& content) {
    event(of_double(1, wall_time) + of_bytes(5, plugin_summary(tag, of_bytes(field, content))));
  };
  add("_hparams_/experiment", 2, experiment);
  add("_hparams_/session_start_info", 3, start);
  add("_hparams_/session_end_info", 4, of_integer(1, kSuccess));
}

void EventFile::finish() {
  out_.close();
  if (!out_) throw std::runtime_error("can't write '" + file_ + "': is its folder writable and not full?");
}

}  // namespace crossfade::analysis
