#include "data/sources/subject_patterns.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <stdexcept>

#include "data/sources/path_pattern.hpp"
#include "data/volumes/volume_file.hpp"

namespace crossfade::data {
namespace {

namespace fs = std::filesystem;

/// The files of one pattern by the values of the placeholders that all patterns have.
using FilesByKey = std::map<PlaceholderValues, MatchedFile>;

/// Leaves each file to the pattern that says most about it.
void give_each_file_to_one(std::vector<PatternMatches>& all) {
  std::map<fs::path, const PatternMatches*> owner;
  for (const PatternMatches& matches : all)
    for (const MatchedFile& matched : matches.files) {
      const auto [claim, is_new] = owner.emplace(matched.file.lexically_normal(), &matches);
      if (is_new) continue;
      if (claim->second->literal == matches.literal)
        fail(matched.file, "matches both '" + claim->second->pattern + "' and '" + matches.pattern +
                               "': write more of the names into one of them");
      if (claim->second->literal < matches.literal) claim->second = &matches;
    }
  for (PatternMatches& matches : all)
    std::erase_if(matches.files,
                  [&](const MatchedFile& matched) { return owner.at(matched.file.lexically_normal()) != &matches; });
}

std::set<std::string> placeholders_of_all(const std::vector<PatternMatches>& all) {
  std::set<std::string> common = all.front().placeholders;
  for (const PatternMatches& matches : all)
    std::erase_if(common, [&](const std::string& name) { return !matches.placeholders.contains(name); });
  return common;
}

std::string in_braces(const std::set<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "{" : ", {") + name + "}";
  return text;
}

FilesByKey by_key(const PatternMatches& matches, const std::set<std::string>& common) {
  FilesByKey files;
  for (const MatchedFile& matched : matches.files) {
    PlaceholderValues key = matched.values;
    std::erase_if(key, [&](const auto& value) { return !common.contains(value.first); });
    const auto [twin, is_new] = files.emplace(std::move(key), matched);
    if (!is_new)
      throw std::runtime_error(twin->second.file.string() + " and " + matched.file.string() +
                               " belong to one subject: both match '" + matches.pattern + "' and have the same " +
                               in_braces(common) +
                               ", all that the patterns have in common; expected one file a subject");
  }
  return files;
}

/// What is wrong with the files of one subject, one a pattern; empty if nothing is. `values` gets those of all.
std::string fault_of(const std::vector<PatternMatches>& all, const std::vector<const MatchedFile*>& files,
                     PlaceholderValues& values) {
  std::string lacking, odd, there;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (files[i] == nullptr) {
      lacking += (lacking.empty() ? "no file matches '" : ", nor '") + all[i].pattern + "'";
      continue;
    }
    const std::string file = files[i]->file.string();
    if (there.empty()) there = file;
    for (const auto& [name, value] : files[i]->values)
      if (const std::string& known = values.emplace(name, value).first->second; known != value)
        odd = std::string("{")
                  .append(name)
                  .append("} is '")
                  .append(known)
                  .append("' in one file and '")
                  .append(value)
                  .append("' in ")
                  .append(file);
  }
  return lacking.empty() ? odd : lacking + "; it has " + there;
}

}  // namespace

SubjectList subjects_by_pattern(const fs::path& root, const SubjectPatterns& patterns) {
  std::vector<PatternMatches> all;
  for (const std::string& pattern : patterns.images) all.push_back(match_pattern(root, pattern));
  for (const std::string& pattern : {patterns.labels, patterns.automatic_labels})
    if (!pattern.empty()) all.push_back(match_pattern(root, pattern));
  if (all.empty()) throw std::invalid_argument("patterns of subjects: there is none, expected images or labels");
  give_each_file_to_one(all);

  const std::set<std::string> common = placeholders_of_all(all);
  std::vector<FilesByKey> files;
  std::set<PlaceholderValues> keys;
  for (const PatternMatches& matches : all) {
    files.push_back(by_key(matches, common));
    for (const auto& [key, file] : files.back()) keys.insert(key);
  }

  SubjectList list;
  for (const PlaceholderValues& key : keys) {
    std::vector<const MatchedFile*> own;
    for (const FilesByKey& of : files) {
      const auto found = of.find(key);
      own.push_back(found == of.end() ? nullptr : &found->second);
    }
    PlaceholderValues values;
    const std::string fault = fault_of(all, own, values);
    ListedSubject subject{.name = values.at("subject"),
                          .images = {},
                          .labels = {},
                          .automatic_labels = {},
                          .part = {},
                          .person = values.at("subject")};
    if (const auto session = values.find("session"); session != values.end()) subject.name += "_" + session->second;
    if (!fault.empty()) {
      list.left_out.push_back(subject.name + ": " + fault);
      continue;
    }
    auto next = own.begin();
    while (subject.images.size() < patterns.images.size()) subject.images.push_back((*next++)->file);
    if (!patterns.labels.empty()) subject.labels = (*next++)->file;
    if (!patterns.automatic_labels.empty()) subject.automatic_labels = (*next++)->file;
    list.subjects.push_back(std::move(subject));
  }
  finish(list, root);
  return list;
}

}  // namespace crossfade::data
