// What a finished grid leaves beside its database.
#pragma once

#include <filesystem>
#include <string>

namespace crossfade::runner {

/// Writes the tables table1, structures and, where the grid has any, claims as .txt, .md, .csv, .json and .tex, and
/// figure1 and figure2 as .svg, .png, .pdf and .csv into `folder`; prints Table 1 and the claims on standard output. A
/// figure that can't be drawn is a warning: the results are in the database all the same.
void write_outputs(const std::filesystem::path& database, const std::filesystem::path& folder, const std::string& study,
                   bool claims);

}  // namespace crossfade::runner
