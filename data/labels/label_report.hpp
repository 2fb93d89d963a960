// What a line about a subject says of its labels.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "data/labels/label_table.hpp"

namespace crossfade::data {

/// Voxels of each id.
using IdCounts = std::map<std::int32_t, std::uint64_t>;

/// Whether `id` becomes one of the 27 structures.
bool is_named(const LabelTable& table, std::int32_t id);

/// "; not named by label table freesurfer, so class 0: 3 ids: 502 (1234 voxels), ..." for what the table turned into
/// class 0, and the same for the named ids that the field of view cut off; empty where there is nothing to say.
std::string label_report(const LabelTable& table, const IdCounts& unnamed, const IdCounts& cut);

}  // namespace crossfade::data
