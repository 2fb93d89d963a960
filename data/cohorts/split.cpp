#include "data/cohorts/split.hpp"

#include <algorithm>
#include <stdexcept>

#include "data/random.hpp"
#include "data/words.hpp"

namespace crossfade::data {
namespace {

[[noreturn]] void refuse(const std::string& what) {
  throw std::invalid_argument("split: " + what);
}

std::string count(std::size_t number, const char* of) {
  return std::to_string(number) + " " + of;
}

/// Moves the subjects that `spec` names for testing behind the others. Returns how many they are.
std::size_t put_named_last(std::vector<std::string>& subjects, const SplitSpec& spec) {
  std::vector<std::string> named = named_test_subjects(spec);
  std::sort(named.begin(), named.end());
  if (const auto twin = std::adjacent_find(named.begin(), named.end()); twin != named.end())
    refuse("test_subjects names '" + *twin + "' twice");
  for (const std::string& name : named)
    if (!std::binary_search(subjects.begin(), subjects.end(), name))
      refuse("test_subjects names '" + name + "', which is no subject of the cohort");
  std::stable_partition(subjects.begin(), subjects.end(), [&](const std::string& subject) {
    return !std::binary_search(named.begin(), named.end(), subject);
  });
  return named.size();
}

Split fixed_parts(std::vector<std::string> subjects, const SplitSpec& spec) {
  if (spec.test != 0 && !spec.test_subjects.empty())
    refuse("test_subjects already says how many subjects are tested: leave out test: " + std::to_string(spec.test));
  const std::size_t test = static_cast<std::size_t>(spec.test) + put_named_last(subjects, spec);
  const std::string parts = count(static_cast<std::size_t>(spec.train), "train") + " + " +
                            count(static_cast<std::size_t>(spec.validation), "validation") + " + " +
                            count(test, "test");
  if ((spec.train == 0) != (spec.validation == 0)) refuse(parts + ": both training and validation need a subject");
  if (!has_training_subjects(spec) && test == 0) refuse(parts + ": no part has a subject");
  const auto train = static_cast<std::ptrdiff_t>(spec.train), validation = static_cast<std::ptrdiff_t>(spec.validation);
  const std::ptrdiff_t sum = train + validation + static_cast<std::ptrdiff_t>(test);
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
  if (spec.train != 0 || spec.test != 0 || !spec.test_subjects.empty())
    refuse("folds: " + std::to_string(folds) +
           " already says who trains and who is tested: leave out train and test, by number or by name");
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

std::vector<std::string> named_test_subjects(const SplitSpec& spec) {
  return words_of(spec.test_subjects);
}

bool has_test_subjects(const SplitSpec& spec) {
  return spec.folds > 0 || spec.test > 0 || !named_test_subjects(spec).empty();
}

bool has_training_subjects(const SplitSpec& spec) {
  return spec.folds > 0 || spec.train > 0;
}

Split split_subjects(std::vector<std::string> subjects, const SplitSpec& spec, std::uint64_t seed, int fold) {
  std::sort(subjects.begin(), subjects.end());
  if (const auto twin = std::adjacent_find(subjects.begin(), subjects.end()); twin != subjects.end())
    refuse("subject '" + *twin + "' is there twice");
  if (spec.train < 0 || spec.validation < 0 || spec.test < 0 || spec.folds < 0) refuse("a number is negative");
  if (spec.folds > 0) return one_fold(std::move(subjects), spec, seed, fold);
  if (fold != 0) refuse("there is no fold " + std::to_string(fold) + ": the parts are fixed");
  return fixed_parts(std::move(subjects), spec);
}

}  // namespace crossfade::data
