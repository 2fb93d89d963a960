// What a page that is passed on leaves out. Private to analysis/.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace crossfade::analysis {

/// Takes names of subjects, hosts and paths out of texts; made without names, it leaves all as it is. A name is found
/// where no letter or digit stands next to it. One that reads as a number, "1003", is left in what the page says
/// itself, where most numbers are others.
class Redaction {
 public:
  Redaction() = default;
  /// `subjects` become "subject 1", .. in this order; a name may be of several words. Words of `shown`, names that the
  /// page shows as they are, are no paths.
  Redaction(const std::vector<std::string>& subjects, const std::set<std::string>& hosts,
            const std::vector<std::string>& shown = {});

  std::string subject(const std::string& name) const;
  /// Words of `text` that hold a / or \ become "(path)", hosts "(host)", subjects their numbers. A word ends at a
  /// space, a quote, a bracket, a comma, a semicolon, an equals sign, and at a colon that nothing or a space follows.
  std::string text(const std::string& text) const;
  /// The same of messages and command lines: without names that read as numbers, too.
  std::string message(const std::string& text) const;
  /// The same of a grid: of such names those that `exclude` and `test_subjects` have.
  std::string grid(const std::string& text) const;
  bool shares() const { return shares_; }

 private:
  using Names = std::vector<std::pair<std::string, std::string>>;  // with what stands for them, the longest first
  std::string without_paths(const std::string& text) const;

  bool shares_ = false;
  std::map<std::string, std::string> subjects_;
  Names names_, all_names_;  // without those that read as numbers, and with them
  std::set<std::string> no_paths_;
};

}  // namespace crossfade::analysis
