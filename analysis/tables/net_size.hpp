// Comparing the sizes of nets. Private to analysis/.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "analysis/results/database.hpp"

namespace crossfade::analysis {

/// Of the variant's net, or of all nets of it that vote; 0 where it has none.
std::int64_t parameters_of(SQLite::Database& db, std::int64_t variant);

/// A sentence that says so where the largest of `parameters` is more than 10 % above the smallest, or else empty. 0 (no
/// net of ours) is left out. `where`: "" or " in ...", put behind "Nets of unlike size are compared".
std::string unlike_size_note(std::span<const std::int64_t> parameters, const std::string& where = {});

}  // namespace crossfade::analysis
