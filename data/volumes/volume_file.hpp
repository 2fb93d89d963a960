// What the readers of volume files share.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>

namespace crossfade::data {

/// Throws std::runtime_error "FILE: WHAT".
[[noreturn]] void fail(const std::filesystem::path& file, const std::string& what);

/// Calls `take` with the bytes of a file, packed by gzip or not, a piece after the other; to the very end, because the
/// checksum of gzip stands there. Throws std::runtime_error naming a file that can't be opened or is damaged.
void unpack(const std::filesystem::path& file, const std::function<void(std::span<const unsigned char>)>& take);

/// The label of voxel `n`. Throws std::runtime_error naming file and voxel for a value that is no integer of 32 bits.
std::int32_t label_of(const std::filesystem::path& file, std::size_t n, double value);

}  // namespace crossfade::data
