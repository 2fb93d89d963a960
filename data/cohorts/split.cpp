#include "data/cohorts/split.hpp"

#include <algorithm>
#include <set>
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

/// What is split: subjects, or persons, each by the name of its first subject.
struct Units {
  const char* called;              // for messages
  std::vector<std::string> names;  // sorted
  std::vector<std::string> named;  // those that `test_subjects` names, sorted
};

std::vector<std::string> sorted_test_subjects(const SplitSpec& spec) {
  std::vector<std::string> named = named_test_subjects(spec);
  std::sort(named.begin(), named.end());
  if (const auto twin = std::adjacent_find(named.begin(), named.end()); twin != named.end())
    refuse("test_subjects names '" + *twin + "' twice");
  return named;
}

/// Moves the subjects that are named for testing behind the others.
void put_named_last(std::vector<std::string>& subjects, const std::vector<std::string>& named) {
  for (const std::string& name : named)
    if (!std::binary_search(subjects.begin(), subjects.end(), name))
      refuse("test_subjects names '" + name + "', which is no subject of the cohort");
  std::stable_partition(subjects.begin(), subjects.end(), [&](const std::string& subject) {
    return !std::binary_search(named.begin(), named.end(), subject);
  });
}

Split fixed_parts(Units units, const SplitSpec& spec) {
  std::vector<std::string>& subjects = units.names;
  if (spec.test != 0 && !spec.test_subjects.empty())
    refuse("test_subjects already says how many subjects are tested: leave out test: " + std::to_string(spec.test));
  put_named_last(subjects, units.named);
  const std::size_t test = static_cast<std::size_t>(spec.test) + units.named.size();
  const std::string parts = count(static_cast<std::size_t>(spec.train), "train") + " + " +
                            count(static_cast<std::size_t>(spec.validation), "validation") + " + " +
                            count(test, "test");
  if ((spec.train == 0) != (spec.validation == 0)) refuse(parts + ": both training and validation need a subject");
  if (!has_training_subjects(spec) && test == 0) refuse(parts + ": no part has a subject");
  const auto train = static_cast<std::ptrdiff_t>(spec.train), validation = static_cast<std::ptrdiff_t>(spec.validation);
  const std::ptrdiff_t sum = train + validation + static_cast<std::ptrdiff_t>(test);
  if (sum != std::ssize(subjects))
    refuse(parts + " is " + std::to_string(sum) + ", but the cohort has " + count(subjects.size(), units.called));
  const auto first = subjects.begin();
  return {{first, first + train},
          {first + train, first + train + validation},
          {first + train + validation, subjects.end()}};
}

Split one_fold(Units units, const SplitSpec& spec, std::uint64_t seed, int fold) {
  std::vector<std::string>& subjects = units.names;
  const std::size_t n = subjects.size();
  const auto folds = static_cast<std::size_t>(spec.folds), validation = static_cast<std::size_t>(spec.validation);
  if (spec.train != 0 || spec.test != 0 || !spec.test_subjects.empty())
    refuse("folds: " + std::to_string(folds) +
           " already says who trains and who is tested: leave out train and test, by number or by name");
  if (folds < 2 || folds > n)
    refuse("folds: " + std::to_string(folds) + " is not between 2 and the " + count(n, units.called) +
           " of the cohort");
  if (fold < 0 || fold >= spec.folds)
    refuse("there is no fold " + std::to_string(fold) + ": folds count from 0 to " + std::to_string(folds - 1));
  if (validation == 0) refuse("folds need validation subjects: validation is 0");
  const auto f = static_cast<std::size_t>(fold);
  const std::size_t begin = n * f / folds, tested = n * (f + 1) / folds - begin;
  if (tested + validation >= n)
    refuse(count(tested, "test") + " (one of " + count(folds, "folds") + ") + " + count(validation, "validation") +
           " of " + count(n, units.called) + " leave none to train on");

  Random random(seed, Purpose::kSplit);
  for (std::size_t i = n - 1; i > 0; --i) std::swap(subjects[i], subjects[random.below(i + 1)]);
  std::rotate(subjects.begin(), subjects.begin() + static_cast<std::ptrdiff_t>(begin), subjects.end());
  const auto test_end = subjects.begin() + static_cast<std::ptrdiff_t>(tested);
  const auto validation_end = test_end + static_cast<std::ptrdiff_t>(validation);
  Split split{{validation_end, subjects.end()}, {test_end, validation_end}, {subjects.begin(), test_end}};
  for (auto* part : {&split.train, &split.validation, &split.test}) std::sort(part->begin(), part->end());
  return split;
}

Split split_units(Units units, const SplitSpec& spec, std::uint64_t seed, int fold) {
  if (spec.train < 0 || spec.validation < 0 || spec.test < 0 || spec.folds < 0) refuse("a number is negative");
  if (spec.folds > 0) return one_fold(std::move(units), spec, seed, fold);
  if (fold != 0) refuse("there is no fold " + std::to_string(fold) + ": the parts are fixed");
  return fixed_parts(std::move(units), spec);
}

}  // namespace

std::vector<std::string> named_test_subjects(const SplitSpec& spec) {
  return words_of(spec.test_subjects);
}

bool has_test_subjects(const SplitSpec& spec) {
  return spec.from != "numbers" || spec.folds > 0 || spec.test > 0 || !named_test_subjects(spec).empty();
}

bool has_training_subjects(const SplitSpec& spec) {
  return spec.from != "numbers" || spec.folds > 0 || spec.train > 0;
}

Split split_subjects(std::vector<std::string> subjects, const SplitSpec& spec, std::uint64_t seed, int fold) {
  std::sort(subjects.begin(), subjects.end());
  if (const auto twin = std::adjacent_find(subjects.begin(), subjects.end()); twin != subjects.end())
    refuse("subject '" + *twin + "' is there twice");
  return split_units({"subjects", std::move(subjects), sorted_test_subjects(spec)}, spec, seed, fold);
}

Split split_by_person(const std::map<std::string, std::string>& person_of, const SplitSpec& spec, std::uint64_t seed,
                      int fold) {
  std::map<std::string, std::vector<std::string>> subjects_of;  // each person's, sorted
  for (const auto& [subject, person] : person_of) subjects_of[person].push_back(subject);
  Units units{subjects_of.size() == person_of.size() ? "subjects" : "persons", {}, {}};
  std::set<std::string> named;
  for (const std::string& name : sorted_test_subjects(spec)) {
    const auto subject = person_of.find(name);
    const auto person = subjects_of.find(subject == person_of.end() ? name : subject->second);
    named.insert(person == subjects_of.end() ? name : person->second.front());
  }
  units.named.assign(named.begin(), named.end());
  std::map<std::string, const std::vector<std::string>*> all_of;  // a person's subjects by the first of them
  for (const auto& [person, subjects] : subjects_of) all_of[subjects.front()] = &subjects;
  for (const auto& [first, subjects] : all_of) units.names.push_back(first);

  Split split = split_units(std::move(units), spec, seed, fold);
  for (auto* part : {&split.train, &split.validation, &split.test}) {
    std::vector<std::string> subjects;
    for (const std::string& first : *part)
      subjects.insert(subjects.end(), all_of.at(first)->begin(), all_of.at(first)->end());
    std::sort(subjects.begin(), subjects.end());
    *part = std::move(subjects);
  }
  return split;
}

}  // namespace crossfade::data
