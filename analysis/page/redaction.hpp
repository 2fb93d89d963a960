// What a page that is passed on leaves out. Private to analysis/.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

namespace crossfade::analysis {

/// Takes names of subjects, hosts and paths out of texts; made without names, it leaves all as it is.
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
  bool shares() const { return shares_; }

 private:
  std::string word(const std::string& word) const;
  std::string without_phrases(std::string text) const;

  bool shares_ = false;
  std::map<std::string, std::string> subjects_;
  std::vector<std::string> phrases_;  // subjects of several words, the longest first
  std::set<std::string> hosts_, no_paths_;
};

}  // namespace crossfade::analysis
