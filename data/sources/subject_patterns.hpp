// Subjects from patterns of paths: which image, channels and labels belong together.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "data/sources/subject_list.hpp"

namespace crossfade::data {

/// Patterns as match_pattern() takes them; empty: nothing of the kind.
struct SubjectPatterns {
  std::vector<std::string> images;  // one a channel
  std::string labels, automatic_labels;
};

/// A subject's files are those, one of each pattern, that agree in the placeholders that all patterns have. Its name is
/// {subject}, with "_{session}" behind it where a pattern has that; its person is {subject}. A subject without a file
/// of each pattern, or whose files disagree in a placeholder that only some patterns have, is left out. A file that
/// several patterns match belongs to the one with the most literal letters ("{subject}_seg.nii.gz" before
/// "{subject}.nii.gz"). Throws what match_pattern() and finish() throw, std::invalid_argument where there is no
/// pattern, and std::runtime_error for two files of one pattern that belong to one subject and for a file that two
/// patterns claim alike, naming both.
SubjectList subjects_by_pattern(const std::filesystem::path& root, const SubjectPatterns& patterns);

}  // namespace crossfade::data
