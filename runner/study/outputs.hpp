// What a finished grid leaves beside its database.
#pragma once

#include <filesystem>
#include <string>

namespace crossfade::runner {

/// What a study has beside its trials.
struct OutputParts {
  bool claims = false, search = false;
};

/// Writes the tables table1, structures and, where the study has any, claims and search as .txt, .md, .csv, .json and
/// .tex, and figure1, figure2 and of a search search-map as .svg, .png, .pdf and .csv into `folder`; prints Table 1,
/// the claims and the search on standard output. A figure that can't be drawn is a warning: the results are in the
/// database all the same.
void write_outputs(const std::filesystem::path& database, const std::filesystem::path& folder, const std::string& study,
                   const OutputParts& parts);

}  // namespace crossfade::runner
