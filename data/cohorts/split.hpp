// Which subjects train, validate and test: by subject, never by slice.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace crossfade::data {

/// Either fixed parts, which add up to the number of subjects, or `folds`. Test may be 0, and so may both train and
/// validation, of a cohort that is only tested.
struct SplitSpec {
  int train = 0;                 // subjects; with folds: 0, for all the rest
  int validation = 0;            // subjects
  int test = 0;                  // subjects; with folds: 0, for the fold
  int folds = 0;                 // above 0: each subject is in the test part of exactly one fold
  std::string test_subjects{};   // names, separated by spaces, in place of `test`; the rest train and validate
  std::string from = "numbers";  // "numbers" (all of the above), "parts" or "folds" of the source (source_split.hpp)
};

template <class Visitor>
void describe(Visitor& visit, SplitSpec& s) {
  visit.integer("train", s.train, 0, 1000000, "training subjects, the first by name; with folds: all the rest");
  visit.integer("validation", s.validation, 0, 1000000,
                "validation subjects, the next by name; with folds, and of a data set's imagesTr with from: parts: "
                "drawn by the cohort's seed; 0 as train is 0, of a cohort that stages only test on");
  visit.integer("test", s.test, 0, 1000000, "test subjects, the next by name; with folds: the fold");
  visit.integer("folds", s.folds, 0, 1000,
                "cross-validation: each subject is tested in exactly one fold; 0: fixed parts");
  visit.choice("from", s.from, {"numbers", "parts", "folds"},
               "what says who is who: the numbers here; the column part of a table, or imagesTs of a data set, which "
               "is tested, and `validation` are drawn from its imagesTr; or its splits_final.json, where a fold's val "
               "is tested and `validation` are drawn from its train");
  visit.text(
      "test_subjects", s.test_subjects,
      "names of the test subjects, separated by spaces, in place of their number; the others train and validate");
}

/// Subject names of each part.
struct Split {
  std::vector<std::string> train, validation, test;
};

/// The names in `test_subjects`, in their order there.
std::vector<std::string> named_test_subjects(const SplitSpec& spec);

/// Whether anyone is tested: not in a cohort for training alone.
bool has_test_subjects(const SplitSpec& spec);

/// Whether a stage can train on the cohort: training subjects, and validation subjects with them.
bool has_training_subjects(const SplitSpec& spec);

/// Fixed parts take the subjects in order of name, but for test subjects that are named. With folds the cohort's seed
/// orders the subjects, fold f tests the f-th of K runs (their lengths differ by at most one), the subjects after that
/// run, cyclically, validate, and all others train. Parts are sorted by name. Throws std::invalid_argument where the
/// parts do not fit the subjects, naming the numbers, and for a named test subject that is not there. `fold` is 0 for
/// fixed parts.
Split split_subjects(std::vector<std::string> subjects, const SplitSpec& spec, std::uint64_t seed, int fold);

/// The same of persons, each of which has one subject or more (sessions of one person): the numbers in `spec` count
/// persons, in the order of the first of each one's subjects by name, and all subjects of a person go into one part.
/// `person_of` is each subject's person. `test_subjects` names subjects or persons; where one subject of a person is
/// named, all are tested. Where every person has one subject it is split_subjects() in all, messages too. Throws as
/// that does.
Split split_by_person(const std::map<std::string, std::string>& person_of, const SplitSpec& spec, std::uint64_t seed,
                      int fold);

}  // namespace crossfade::data
