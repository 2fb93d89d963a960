#include "data/cohorts/source_split.hpp"

#include <algorithm>
#include <map>
#include <stdexcept>

#include "data/random.hpp"

namespace crossfade::data {
namespace {

[[noreturn]] void refuse(const std::string& what) {
  throw std::invalid_argument("split: " + what);
}

/// Whether the only part that the source ever says is "test", as a data set with imagesTs does.
bool says_test_alone(const std::vector<ListedSubject>& subjects) {
  const auto has = [&](const char* part) {
    return std::ranges::any_of(subjects, [part](const ListedSubject& subject) { return subject.part == part; });
  };
  return has("test") && has("") && !has("train") && !has("validation");
}

/// Each subject where the source has it; who has no part is to train.
Split said_parts(const std::vector<ListedSubject>& subjects) {
  Split split;
  for (const ListedSubject& subject : subjects)
    (subject.part == "test"         ? split.test
     : subject.part == "validation" ? split.validation
                                    : split.train)
        .push_back(subject.name);
  return split;
}

/// Lets `count` of those who train validate, drawn by `seed`. Those are `whose`, for messages: "that fold 0 trains on".
void draw_validation(Split& split, int count, const std::string& whose, std::uint64_t seed, int fold) {
  if (count < 1 || count >= static_cast<int>(split.train.size()))
    refuse("validation: " + std::to_string(count) + " of the " + std::to_string(split.train.size()) + " subjects " +
           whose + ", expected at least one, and one left to train on");
  Random random(seed, Purpose::kSplit, static_cast<std::uint32_t>(fold));
  for (int v = 0; v < count; ++v) {
    const auto drawn = split.train.begin() + static_cast<std::ptrdiff_t>(random.below(split.train.size()));
    split.validation.push_back(*drawn);
    split.train.erase(drawn);
  }
  std::ranges::sort(split.validation);
}

Split own_parts(const std::vector<ListedSubject>& subjects, const SplitSpec& spec, std::uint64_t seed, int fold) {
  if (fold != 0) refuse("there is no fold " + std::to_string(fold) + ": the parts are the source's own");
  Split split = said_parts(subjects);
  if (says_test_alone(subjects)) {
    draw_validation(split, spec.validation, "that the source does not test (from: parts)", seed, fold);
    return split;
  }
  const auto lacks = std::ranges::find_if(subjects, [](const ListedSubject& s) { return s.part.empty(); });
  if (std::ranges::all_of(subjects, [](const ListedSubject& s) { return s.part.empty(); }))
    refuse(
        "from: parts, but the source says no part of any subject: a table does in its column part, and a data set of "
        "nnU-Net has test cases where it has imagesTs and labelsTs");
  if (lacks != subjects.end()) refuse("from: parts, but the source says no part of subject '" + lacks->name + "'");
  if (spec.validation != 0)
    refuse("validation: " + std::to_string(spec.validation) +
           ", but the source itself says the part of each subject, from: parts: name there who validates, and leave "
           "out validation");
  if (split.train.empty() != split.validation.empty())
    refuse("from: parts, and the source has " + std::to_string(split.train.size()) + " subjects for training and " +
           std::to_string(split.validation.size()) + " for validation: both need one");
  if (split.train.empty() && split.test.empty()) refuse("from: parts, and no part has a subject");
  return split;
}

Split fold_of_source(const std::vector<ListedSubject>& subjects, const std::vector<SourceFold>& folds,
                     const SplitSpec& spec, std::uint64_t seed, int fold) {
  if (folds.empty()) refuse("from: folds, but the source has no splits_final.json");
  if (spec.folds != static_cast<int>(folds.size()))
    refuse("folds: " + std::to_string(spec.folds) + ", but splits_final.json has " + std::to_string(folds.size()));
  const SourceFold& said = folds.at(static_cast<std::size_t>(fold));
  const auto is_there = [&](const std::string& name) {
    return std::ranges::binary_search(subjects, name, {}, &ListedSubject::name);
  };
  Split split{said.train, {}, said.validation};
  for (auto* part : {&split.train, &split.test}) {
    std::erase_if(*part, [&](const std::string& name) { return !is_there(name); });
    std::ranges::sort(*part);
  }
  if (split.test.empty())
    refuse("fold " + std::to_string(fold) + " of splits_final.json tests no subject of the cohort");
  draw_validation(split, spec.validation, "that fold " + std::to_string(fold) + " trains on", seed, fold);
  return split;
}

/// A data set's own test cases would be learnt from without a word where numbers alone split them.
void require_unlearnt_test_cases(const std::vector<ListedSubject>& subjects, const Split& split) {
  if (!says_test_alone(subjects)) return;
  for (const ListedSubject& subject : subjects) {
    if (subject.part != "test") continue;
    const auto is_in = [&](const std::vector<std::string>& part) {
      return std::ranges::binary_search(part, subject.name);
    };
    if (is_in(split.train) || is_in(split.validation))
      refuse("the data set's own test cases (imagesTs) would be mixed into training, '" + subject.name +
             "' for one, expected {from: parts, validation: N}, which tests them, test_subjects, which names who is "
             "tested, or exclude, which leaves them out");
  }
}

Split by_numbers(const std::vector<ListedSubject>& subjects, const SplitSpec& spec, std::uint64_t seed, int fold) {
  std::map<std::string, std::string> persons;
  for (const ListedSubject& subject : subjects) persons[subject.name] = person_of(subject);
  Split split = split_by_person(persons, spec, seed, fold);
  if (spec.test_subjects.empty()) require_unlearnt_test_cases(subjects, split);
  return split;
}

}  // namespace

std::string source_split_fault(const SplitSpec& spec) {
  if (spec.from == "numbers") return "";
  if (spec.train != 0 || spec.test != 0 || !spec.test_subjects.empty())
    return "from: " + spec.from + " already says who trains and who is tested: leave out train, test and test_subjects";
  if (spec.from == "parts" && spec.folds != 0) return "from: parts is one split: leave out folds";
  if (spec.from == "folds" && (spec.folds < 1 || spec.validation < 1))
    return "from: folds needs the number of folds and of validation subjects, {from: folds, folds: 5, validation: 4}";
  return "";
}

Split split_of_source(const std::vector<ListedSubject>& subjects, const std::vector<SourceFold>& folds,
                      const SplitSpec& spec, std::uint64_t seed, int fold) {
  if (const std::string wrong = source_split_fault(spec); !wrong.empty()) refuse(wrong);
  if (spec.from == "parts") return own_parts(subjects, spec, seed, fold);
  if (spec.from == "folds") return fold_of_source(subjects, folds, spec, seed, fold);
  return by_numbers(subjects, spec, seed, fold);
}

}  // namespace crossfade::data
