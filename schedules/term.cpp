#include "schedules/term.hpp"

#include <torch/types.h>
#include <torch/utils.h>

#include <array>
#include <stdexcept>

namespace crossfade::schedules {

// Each is defined in the term's own source file.
extern const TermDefinition kWeightedCrossEntropy, kBoundaryCrossEntropy, kWeightedDice, kDice;

namespace {
constexpr std::array kTerms = {&kWeightedCrossEntropy, &kBoundaryCrossEntropy, &kWeightedDice, &kDice};
}

const torch::Tensor& ConstantTable::as(torch::Device device, torch::ScalarType type) const {
  if (!copy_.defined() || copy_.device() != device || copy_.scalar_type() != type) copy_ = values_.to(device, type);
  return copy_;
}

torch::Tensor add_up(const torch::Tensor& values, std::int64_t dimension) {
  return values.cumsum(dimension).select(dimension, -1);
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
