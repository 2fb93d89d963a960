// A study as one page of HTML, to look at and to pass on.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace crossfade::analysis {

struct PageOptions {
  bool share = false;       // without names of subjects, hosts and paths
  bool with_paper = false;  // the paper's own figures in Table 1
};

/// The latest study (or the one named; databases as in render_table1) as one HTML file that needs no other and no
/// network: its script only sorts, shows and hides what is there. Throws as render_table1.
std::string study_page(const std::vector<std::filesystem::path>& databases, const std::string& study = {},
                       const PageOptions& options = {});

/// The same as a file, which appears whole. Throws std::runtime_error where it can't be written.
void write_study_page(const std::vector<std::filesystem::path>& databases, const std::filesystem::path& file,
                      const std::string& study = {}, const PageOptions& options = {});

}  // namespace crossfade::analysis
