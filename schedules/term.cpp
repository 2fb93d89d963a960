#include "schedules/term.hpp"

#include <array>
#include <stdexcept>

namespace crossfade::schedules {

// Each is defined in the term's own source file.
extern const TermDefinition kWeightedCrossEntropy, kBoundaryCrossEntropy, kWeightedDice, kDice;

namespace {
constexpr std::array kTerms = {&kWeightedCrossEntropy, &kBoundaryCrossEntropy, &kWeightedDice, &kDice};
}

const TermDefinition& find_term(const std::string& name) {
  std::string known;
  for (const TermDefinition* term : kTerms) {
    if (name == term->name) return *term;
    known += (known.empty() ? "" : ", ") + std::string(term->name);
  }
  throw std::invalid_argument("loss: unknown term '" + name + "'; known: " + known);
}

const std::vector<std::pair<std::string, std::string>>& term_names() {
  static const auto names = [] {
    std::vector<std::pair<std::string, std::string>> all;
    for (const TermDefinition* term : kTerms) all.emplace_back(term->name, term->formula);
    return all;
  }();
  return names;
}

}  // namespace crossfade::schedules
