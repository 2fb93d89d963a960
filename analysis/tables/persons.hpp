// Subjects that are persons with several scans. Private to analysis/.
#pragma once

#include <cstdint>
#include <string>

#include "analysis/results/database.hpp"

namespace crossfade::analysis {

/// A sentence for the notes of a table, where a person of the study has several scans; or else empty.
std::string persons_note(SQLite::Database& db, std::int64_t study);

}  // namespace crossfade::analysis
