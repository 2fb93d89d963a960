#include "data/split.hpp"

#include <algorithm>
#include <stdexcept>

#include "data/random.hpp"

namespace crossfade::data {
namespace {

[[noreturn]] void refuse(const std::string& what) {
  throw std::invalid_argument("split: " + what);
}

std::string count(std::size_t number, const char* of) {
  return std::to_string(number) + " " + of;
}

Split fixed_parts(const std::vector<std::string>& subjects, const SplitSpec& spec) {
  const std::string parts = count(static_cast<std::size_t>(spec.train), "train") + " + " +
                            count(static_cast<std::size_t>(spec.validation), "validation") + " + " +
                            count(static_cast<std::size_t>(spec.test), "test");
  if (spec.train == 0 || spec.validation == 0) refuse(parts + ": both training and validation need a subject");
  const auto train = static_cast<std::ptrdiff_t>(spec.train), validation = static_cast<std::ptrdiff_t>(spec.validation);
  const std::ptrdiff_t sum = train + validation + spec.test;
  if (sum != std::ssize(subjects))
    refuse(parts + " is " + std::to_string(sum) + ", but the cohort has " + count(subjects.size(), "subjects"));
  const auto first = subjects.begin();
  return {{first, first + train},
          {first + train, first + train + validation},
          {first + train + validation, subjects.end()}};
}

Split one_fold(std::vector<std::string> subjects, const SplitSpec& spec, std::uint64_t seed, int fold) {
  const std::size_t n = subjects.size();
  const auto folds = static_cast<std::size_t>(spec.folds), validation = static_cast<std::size_t>(spec.validation);
  if (spec.train != 0 || spec.test != 0)
    refuse("folds: " + std::to_string(folds) +
           " already says how many subjects train and test: leave out train and test");
  if (folds < 2 || folds > n)
    refuse("folds: " + std::to_string(folds) + " is not between 2 and the " + count(n, "subjects") + " of the cohort");
  if (fold < 0 || fold >= spec.folds)
    refuse("there is no fold " + std::to_string(fold) + ": folds count from 0 to " + std::to_string(folds - 1));
  if (validation == 0) refuse("folds need validation subjects: validation is 0");
  const auto f = static_cast<std::size_t>(fold);
  const std::size_t begin = n * f / folds, tested = n * (f + 1) / folds - begin;
  if (tested + validation >= n)
    refuse(count(tested, "test") + " (one of " + count(folds, "folds") + ") + " + count(validation, "validation") +
           " of " + count(n, "subjects") + " leave none to train on");

  Random random(seed, Purpose::kSplit);
  for (std::size_t i = n - 1; i > 0; --i) std::swap(subjects[i], subjects[random.below(i + 1)]);
  std::rotate(subjects.begin(), subjects.begin() + static_cast<std::ptrdiff_t>(begin), subjects.end());
  const auto test_end = subjects.begin() + static_cast<std::ptrdiff_t>(tested);
  const auto validation_end = test_end + static_cast<std::ptrdiff_t>(validation);
  Split split{{validation_end, subjects.end()}, {test_end, validation_end}, {subjects.begin(), test_end}};
  for (auto* part : {&split.train, &split.validation, &split.test}) std::sort(part->begin(), part->end());
  return split;
}

}  // namespace

Split split_subjects(std::vector<std::string> subjects, const SplitSpec& spec, std::uint64_t seed, int fold) {
  std::sort(subjects.begin(), subjects.end());
  if (const auto twin = std::adjacent_find(subjects.begin(), subjects.end()); twin != subjects.end())
    refuse("subject '" + *twin + "' is there twice");
  if (spec.train < 0 || spec.validation < 0 || spec.test < 0 || spec.folds < 0) refuse("a number is negative");
  if (spec.folds > 0) return one_fold(std::move(subjects), spec, seed, fold);
  if (fold != 0) refuse("there is no fold " + std::to_string(fold) + ": the parts are fixed");
  return fixed_parts(subjects, spec);
}

}  // namespace crossfade::data
