// What the readers of an nnU-Net data set share: members of JSON files, refused by file and key.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

namespace crossfade::data {

/// Throws std::runtime_error naming a file that is not there or no JSON, with the line.
nlohmann::json read_json(const std::filesystem::path& file);

/// Throws std::runtime_error "FILE: KEY WHAT".
[[noreturn]] void refuse_key(const std::filesystem::path& file, const std::string& key, const std::string& what);

/// Member `name` of the object `of`, which `key` names in messages (empty: the whole file); it must have `type`. Throws
/// std::runtime_error naming file and key for an `of` that is no object, and for a member that is not there or of
/// another type.
const nlohmann::json& member_of(const std::filesystem::path& file, const nlohmann::json& of, const std::string& key,
                                const std::string& name, nlohmann::json::value_t type);

/// `value` as it may stand in a message: cut where it is long.
std::string excerpt_of(const nlohmann::json& value);

}  // namespace crossfade::data
