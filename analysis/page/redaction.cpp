#include "analysis/page/redaction.hpp"

#include <algorithm>
#include <cctype>
#include <functional>

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

std::size_t words_in(const std::string& text) {
  std::size_t count = 0;
  for_each_word(text, [&](const std::string& word, const std::string&) { count += word.empty() ? 0 : 1; });
  return count;
}

bool continues_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

}  // namespace

Redaction::Redaction(const std::vector<std::string>& subjects, const std::set<std::string>& hosts,
                     const std::vector<std::string>& shown)
    : shares_(true), hosts_(hosts) {
  for (const std::string& text : shown)
    for_each_word(text, [&](const std::string& word, const std::string&) { no_paths_.insert(word); });
  for (const std::string& subject : subjects)
    subjects_.emplace(subject, "subject " + std::to_string(subjects_.size() + 1));
  for (const auto& [subject, number] : subjects_)
    if (words_in(subject) > 1) phrases_.push_back(subject);
  std::ranges::stable_sort(phrases_, std::greater{}, &std::string::size);
}

std::string Redaction::subject(const std::string& name) const {
  const auto found = subjects_.find(name);
  if (found != subjects_.end()) return found->second;
  return shares_ ? "subject" : name;
}

std::string Redaction::word(const std::string& word) const {
  if (word.find_first_of("/\\") != std::string::npos && !no_paths_.contains(word)) return "(path)";
  if (hosts_.contains(word)) return "(host)";
  if (const auto found = subjects_.find(word); found != subjects_.end()) return found->second;
  if (word.empty() || std::string(".?!").find(word.back()) == std::string::npos) return word;
  return this->word(word.substr(0, word.size() - 1)) + word.back();  // the end of a sentence
}

std::string Redaction::without_phrases(std::string text) const {
  for (const std::string& phrase : phrases_) {
    const std::string& number = subjects_.at(phrase);
    for (std::size_t at = text.find(phrase); at != std::string::npos; at = text.find(phrase, at)) {
      const std::size_t end = at + phrase.size();
      const bool whole =
          (at == 0 || !continues_word(text[at - 1])) && (end == text.size() || !continues_word(text[end]));
      if (whole) text.replace(at, phrase.size(), number);
      at += whole ? number.size() : 1;
    }
  }
  return text;
}

std::string Redaction::text(const std::string& text) const {
  if (!shares_) return text;
  std::string out;
  for_each_word(without_phrases(text),
                [&](const std::string& word, const std::string& end) { out += this->word(word) + end; });
  return out;
}

}  // namespace crossfade::analysis
