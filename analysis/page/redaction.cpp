#include "analysis/page/redaction.hpp"

#include <algorithm>
#include <cctype>
#include <functional>
#include <iterator>

namespace crossfade::analysis {
namespace {

/// Calls `use` with each word of `text`, which may be empty, and the character that ends it; with none at the end.
template <class Use>
void for_each_word(const std::string& text, Use use) {
  std::string current;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool ends =
        std::string(" \t\r\n\"'`()[]{}<>,;=|").find(text[i]) != std::string::npos ||
        (text[i] == ':' && (i + 1 == text.size() || std::string(" \n").find(text[i + 1]) != std::string::npos));
    if (!ends) {
      current += text[i];
      continue;
    }
    use(current, std::string(1, text[i]));
    current.clear();
  }
  use(current, std::string());
}

/// Of a letter or digit; bytes of a letter beyond ASCII are such, too.
bool continues_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || static_cast<unsigned char>(c) >= 0x80;
}

bool reads_as_number(const std::string& name) {
  return name.find_first_not_of("0123456789.") == std::string::npos;
}

std::string without_names(const std::string& text, const std::vector<std::pair<std::string, std::string>>& names) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    const bool begins = i == 0 || !continues_word(text[i - 1]);
    const auto stands_here = [&](const auto& name) {
      const std::size_t end = i + name.first.size();
      return text.compare(i, name.first.size(), name.first) == 0 && (end == text.size() || !continues_word(text[end]));
    };
    const auto found = begins ? std::ranges::find_if(names, stands_here) : names.end();
    out += found != names.end() ? found->second : std::string(1, text[i]);
    i += found != names.end() ? found->first.size() : 1;
  }
  return out;
}

}  // namespace

Redaction::Redaction(const std::vector<std::string>& subjects, const std::set<std::string>& hosts,
                     const std::vector<std::string>& shown)
    : shares_(true) {
  for (const std::string& text : shown)
    for_each_word(text, [&](const std::string& word, const std::string&) { no_paths_.insert(word); });
  for (const std::string& subject : subjects)
    if (!subject.empty()) subjects_.emplace(subject, "subject " + std::to_string(subjects_.size() + 1));
  for (const std::string& host : hosts)
    if (!host.empty()) all_names_.emplace_back(host, "(host)");
  all_names_.insert(all_names_.end(), subjects_.begin(), subjects_.end());
  std::ranges::stable_sort(all_names_, std::greater{}, [](const auto& name) { return name.first.size(); });
  std::ranges::copy_if(all_names_, std::back_inserter(names_),
                       [](const auto& name) { return !reads_as_number(name.first); });
}

std::string Redaction::subject(const std::string& name) const {
  const auto found = subjects_.find(name);
  if (found != subjects_.end()) return found->second;
  return shares_ ? "subject" : name;
}

std::string Redaction::without_paths(const std::string& text) const {
  std::string out;
  for_each_word(text, [&](const std::string& word, const std::string& end) {
    const bool is_path = word.find_first_of("/\\") != std::string::npos && !no_paths_.contains(word);
    const bool ends_sentence = is_path && std::string(".?!").find(word.back()) != std::string::npos;
    out += (is_path ? "(path)" : word) + (ends_sentence ? std::string(1, word.back()) : "") + end;
  });
  return out;
}

std::string Redaction::text(const std::string& text) const {
  return shares_ ? without_names(without_paths(text), names_) : text;
}

std::string Redaction::message(const std::string& text) const {
  return shares_ ? without_names(without_paths(text), all_names_) : text;
}

std::string Redaction::grid(const std::string& text) const {
  std::string out;
  std::size_t done = 0;
  const auto next_list = [&] {  // of names of subjects
    return std::min(text.find("exclude:", done), text.find("test_subjects:", done));
  };
  for (std::size_t at = next_list(); at != std::string::npos; at = next_list()) {
    const std::size_t end = std::min(text.find_first_of(",}\n", at), text.size());
    out += this->text(text.substr(done, at - done)) + message(text.substr(at, end - at));
    done = end;
  }
  return out + this->text(text.substr(done));
}

}  // namespace crossfade::analysis
