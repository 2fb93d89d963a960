// What the shards of a folder were made from: the file made-from.txt beside them.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace crossfade::data {

/// Of each subject whose shard is whole, its subject_hash(); and the cohort_hash() once all are there, else empty.
struct MadeFrom {
  std::string cohort;
  std::map<std::string, std::string> subjects;
};

/// Nothing where the folder does not say. Throws std::runtime_error naming a file that is none of these.
std::optional<MadeFrom> read_made_from(const std::filesystem::path& folder);

/// Beside the target first, then renamed. Throws std::runtime_error naming the file.
void write_made_from(const std::filesystem::path& folder, const MadeFrom& made);

/// The subjects of a prepared folder, sorted: those that made-from.txt names, so that what is no longer of the cohort
/// is not used; in an older folder, which has none, all that have a shard. Throws std::runtime_error for a folder
/// without shards.
std::vector<std::string> prepared_subjects(const std::filesystem::path& folder);

}  // namespace crossfade::data
