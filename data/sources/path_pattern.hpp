// Patterns of paths that say where the files of subjects are: "sub-{subject}/ses-{session}/anat/*_T1w.nii.gz".
#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace crossfade::data {

/// Values of placeholders by their names, without braces.
using PlaceholderValues = std::map<std::string, std::string>;

struct MatchedFile {
  std::filesystem::path file;
  PlaceholderValues values;
};

struct PatternMatches {
  std::string pattern;
  std::set<std::string> placeholders;
  std::size_t literal = 0;         // letters of the pattern that match only themselves
  std::vector<MatchedFile> files;  // sorted by path
};

/// Why `pattern` is none; empty if it is one. Its components are separated by '/'. Within a component `{NAME}`
/// (letters, digits, '_') matches one character or more, `*` any number and `?` one; all else is literal. `{subject}`
/// is required, and something literal must separate a placeholder from the next and from a `*` (else nobody knows where
/// it ends). There is no `**`: each folder on the way has its own `*`.
std::string path_pattern_fault(const std::string& pattern);

/// The files below `root` (empty: the working directory) that match. A placeholder that stands several times has one
/// value. Where a name can be divided in several ways, placeholders and `*` take as little as they can, from the left.
/// The ending (".nii.gz") matches in capitals or not; hidden files and folders only match a component that begins with
/// '.'. Links are followed. Throws std::invalid_argument for a faulty pattern, and std::runtime_error for a folder that
/// cannot be read; for a link to nothing, or a folder, where a file should be (require_file); where nothing matches,
/// naming the pattern and its first component that matches nothing; and for a name in which placeholders could be
/// divided differently with the same text under each `*` ("{subject}_{session}" in "a_b_c"), since a guess could make
/// one person two.
PatternMatches match_pattern(const std::filesystem::path& root, const std::string& pattern);

}  // namespace crossfade::data
