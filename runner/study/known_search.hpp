// A search that is over, read back for replays.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "runner/search/replay.hpp"

namespace crossfade::runner {

struct StudySearch {
  std::string study;
  KnownSearch known;
};

/// The search of a study that tried all points of its space by `grid`, with what each candidate trains and what two
/// train alike. Throws std::runtime_error for a study without such a search, or one that is not finished, and as
/// analysis::read_search().
StudySearch known_search(const std::vector<std::filesystem::path>& databases, const std::string& study);

}  // namespace crossfade::runner
