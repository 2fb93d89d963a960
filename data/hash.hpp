// SHA-256, by which cohorts, trials and files are recognised.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace crossfade::data {

/// An incremental SHA-256. Parts are concatenated as they come: end or length-prefix them where that is ambiguous.
class Sha256 {
 public:
  Sha256();
  ~Sha256();

  Sha256& update(std::span<const std::byte> bytes);
  Sha256& update(std::string_view text);
  /// The file's length in decimal, a newline, then its bytes. Throws std::runtime_error naming the file.
  Sha256& update_file(const std::filesystem::path& file);
  /// The same to several, the file being read once.
  static void update_file(const std::filesystem::path& file, std::initializer_list<Sha256*> hashes);

  /// 64 lower-case hexadecimal digits. Ends the computation: call it once.
  std::string hex();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// 64 lower-case hexadecimal digits.
std::string sha256_hex(std::string_view text);

/// The first 32 bits of the name's SHA-256: the index of a subject in the keys of random numbers, so that a subject's
/// draws depend on its name and not on which others are there.
std::uint32_t subject_key(std::string_view subject);

}  // namespace crossfade::data
