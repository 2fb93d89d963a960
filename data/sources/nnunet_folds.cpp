#include "data/sources/nnunet_folds.hpp"

#include <algorithm>
#include <set>
#include <string>

#include "data/sources/nnunet_json.hpp"

namespace crossfade::data {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

/// Why nobody of this name can train; empty if somebody can.
std::string fault_of(const SubjectList& list, const std::string& name) {
  const auto found = std::ranges::lower_bound(list.subjects, name, {}, &ListedSubject::name);
  if (found != list.subjects.end() && found->name == name)
    return found->part == "test" ? "is a test subject (imagesTs)" : "";
  for (const std::string& line : list.left_out)
    if (line.starts_with(name + ": ")) return "was left out (" + line + ")";
  return "is no subject";
}

}  // namespace

std::vector<SourceFold> read_nnunet_folds(const fs::path& file, const SubjectList& list) {
  if (!is_file(file)) return {};
  const json splits = read_json(file);
  if (!splits.is_array() || splits.empty())
    refuse_key(file, "as a whole",
               "is " + excerpt_of(splits) + ", expected a list of folds {train: [...], val: [...]}");
  std::vector<SourceFold> folds;
  for (const json& split : splits) {
    const std::string key = "fold " + std::to_string(folds.size());
    std::set<std::string> seen;
    const auto names = [&](const char* part) {
      const std::string full = key + "." + part;
      std::vector<std::string> found;
      for (const json& name : member_of(file, split, key, part, json::value_t::array)) {
        if (!name.is_string()) refuse_key(file, full, "has " + excerpt_of(name) + ", expected names of cases");
        found.push_back(name.get<std::string>());
        if (const std::string fault = fault_of(list, found.back()); !fault.empty())
          refuse_key(file, full, "names '" + found.back() + "', which " + fault);
        if (!seen.insert(found.back()).second)
          refuse_key(file, full, "names '" + found.back() + "', which this fold has already, expected each case once");
      }
      if (found.empty()) refuse_key(file, full, "is empty, expected at least one case");
      std::ranges::sort(found);
      return found;
    };
    SourceFold fold;
    fold.train = names("train");
    fold.validation = names("val");
    folds.push_back(std::move(fold));
  }
  return folds;
}

}  // namespace crossfade::data
