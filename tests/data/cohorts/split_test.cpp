#include "data/cohorts/split.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

namespace crossfade::data {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> letters(int count) {
  std::vector<std::string> names;
  for (int i = 0; i < count; ++i) names.emplace_back(1, static_cast<char>('a' + i));
  return names;
}

std::string refusal(int subjects, const SplitSpec& spec, int fold = 0) {
  try {
    split_subjects(letters(subjects), spec, 1, fold);
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return {};
}

/// Every subject in exactly one part.
void expect_partition(const Split& split, int subjects) {
  std::vector<std::string> all = split.train;
  all.insert(all.end(), split.validation.begin(), split.validation.end());
  all.insert(all.end(), split.test.begin(), split.test.end());
  std::sort(all.begin(), all.end());
  EXPECT_EQ(all, letters(subjects));
}

TEST(Split, TakesFixedPartsInTheOrderOfNames) {
  const Split split = split_subjects({"d", "b", "a", "e", "c"}, {.train = 2, .validation = 1, .test = 2}, 1, 0);
  EXPECT_THAT(split.train, ElementsAre("a", "b"));
  EXPECT_THAT(split.validation, ElementsAre("c"));
  EXPECT_THAT(split.test, ElementsAre("d", "e"));
}

TEST(Split, TakesTestSubjectsByNameAndTheOthersInOrder) {
  const SplitSpec spec{.train = 2, .validation = 1, .test_subjects = " d  b\n"};
  const Split split = split_subjects({"d", "b", "a", "e", "c"}, spec, 1, 0);
  EXPECT_THAT(split.train, ElementsAre("a", "c"));
  EXPECT_THAT(split.validation, ElementsAre("e"));
  EXPECT_THAT(split.test, ElementsAre("b", "d"));
  EXPECT_TRUE(has_test_subjects(spec));
}

TEST(Split, MayTestNoOne) {
  const SplitSpec spec{.train = 2, .validation = 1};
  EXPECT_FALSE(has_test_subjects(spec));
  EXPECT_THAT(split_subjects(letters(3), spec, 1, 0).test, ElementsAre());
  EXPECT_TRUE(has_test_subjects({.validation = 1, .folds = 2}));
  EXPECT_TRUE(has_test_subjects({.train = 1, .validation = 1, .test = 1}));
}

TEST(Split, MayOnlyTest) {
  const SplitSpec spec{.test = 3};
  EXPECT_FALSE(has_training_subjects(spec));
  EXPECT_TRUE(has_test_subjects(spec));
  const Split split = split_subjects(letters(3), spec, 1, 0);
  EXPECT_THAT(split.test, ElementsAre("a", "b", "c"));
  EXPECT_THAT(split.train, ElementsAre());
  EXPECT_THAT(split.validation, ElementsAre());
  EXPECT_THAT(split_subjects(letters(2), {.test_subjects = "b a"}, 1, 0).test, ElementsAre("a", "b"));
  EXPECT_THAT(refusal(4, {.test = 3}), HasSubstr("0 train + 0 validation + 3 test is 3, but the cohort has 4"));
  EXPECT_THAT(refusal(4, {}), HasSubstr("no part has a subject"));
  EXPECT_THAT(refusal(4, {.train = 3, .test = 1}), HasSubstr("both training and validation need a subject"));
  EXPECT_THAT(refusal(4, {.validation = 3, .test = 1}), HasSubstr("both training and validation need a subject"));
}

TEST(Split, RefusesNamesThatDoNotFit) {
  EXPECT_THAT(refusal(4, {.train = 2, .validation = 1, .test_subjects = "x"}),
              HasSubstr("test_subjects names 'x', which is no subject of the cohort"));
  EXPECT_THAT(refusal(4, {.train = 2, .validation = 1, .test_subjects = "a a"}), HasSubstr("names 'a' twice"));
  EXPECT_THAT(refusal(4, {.train = 2, .validation = 1, .test = 1, .test_subjects = "a"}),
              HasSubstr("leave out test: 1"));
  EXPECT_THAT(refusal(4, {.validation = 1, .folds = 2, .test_subjects = "a"}), HasSubstr("by name"));
  EXPECT_THAT(refusal(5, {.train = 2, .validation = 1, .test_subjects = "a"}),
              HasSubstr("2 train + 1 validation + 1 test is 4, but the cohort has 5 subjects"));
}

TEST(Split, TestsEachSubjectInExactlyOneFold) {
  for (const auto& [subjects, folds] : {std::pair{16, 4}, {16, 5}, {7, 7}, {11, 3}}) {
    std::map<std::string, int> tested;
    std::size_t least = 100, most = 0;
    for (int fold = 0; fold < folds; ++fold) {
      const Split split = split_subjects(letters(subjects), {.validation = 2, .folds = folds}, 9, fold);
      expect_partition(split, subjects);
      EXPECT_EQ(split.validation.size(), 2U);
      for (const std::string& subject : split.test) ++tested[subject];
      least = std::min(least, split.test.size());
      most = std::max(most, split.test.size());
    }
    EXPECT_EQ(tested.size(), static_cast<std::size_t>(subjects));
    for (const auto& [subject, times] : tested) EXPECT_EQ(times, 1) << subject;
    EXPECT_LE(most - least, 1U) << subjects << " subjects in " << folds << " folds";
  }
}

TEST(Split, DrawsFoldsByTheSeedAloneAndNotByTheOrderOfNames) {
  const SplitSpec spec{.validation = 2, .folds = 4};
  std::vector<std::string> reversed = letters(16);
  std::reverse(reversed.begin(), reversed.end());
  const Split split = split_subjects(letters(16), spec, 1, 2), again = split_subjects(reversed, spec, 1, 2);
  EXPECT_EQ(split.train, again.train);
  EXPECT_EQ(split.validation, again.validation);
  EXPECT_EQ(split.test, again.test);
  std::set<std::vector<std::string>> tests;
  for (std::uint64_t seed = 0; seed < 10; ++seed) tests.insert(split_subjects(letters(16), spec, seed, 2).test);
  EXPECT_GT(tests.size(), 5U) << "4 of 16 subjects can be drawn in 1820 ways";
}

TEST(Split, RefusesPartsThatDoNotFitAndNamesTheNumbers) {
  EXPECT_THAT(refusal(22, {.train = 8, .validation = 2, .test = 11}),
              AllOf(HasSubstr("8 train + 2 validation + 11 test is 21"), HasSubstr("22 subjects")));
  EXPECT_THAT(refusal(20, {.train = 8, .validation = 2, .test = 12}),
              AllOf(HasSubstr("is 22"), HasSubstr("20 subjects")));
  EXPECT_THAT(refusal(3, {.train = 0, .validation = 1, .test = 2}), HasSubstr("0 train"));
  EXPECT_THAT(refusal(3, {.train = 2, .validation = 0, .test = 1}), HasSubstr("0 validation"));
  EXPECT_THAT(refusal(3, {.train = 1, .validation = 1, .test = 1}, 1), HasSubstr("no fold 1"));
  EXPECT_EQ(refusal(3, {.train = 2, .validation = 1, .test = 0}), "") << "a cohort may be tested elsewhere";
}

TEST(Split, RefusesFoldsThatDoNotFitAndNamesTheNumbers) {
  EXPECT_THAT(refusal(4, {.validation = 1, .folds = 5}), AllOf(HasSubstr("folds: 5"), HasSubstr("4 subjects")));
  EXPECT_THAT(refusal(4, {.validation = 1, .folds = 1}), HasSubstr("folds: 1"));
  EXPECT_THAT(refusal(4, {.validation = 2, .folds = 2}),
              AllOf(HasSubstr("2 validation"), HasSubstr("none to train on")));
  EXPECT_THAT(refusal(8, {.validation = 0, .folds = 4}), HasSubstr("validation is 0"));
  EXPECT_THAT(refusal(8, {.validation = 1, .folds = 4}, 4), AllOf(HasSubstr("fold 4"), HasSubstr("0 to 3")));
  EXPECT_THAT(refusal(8, {.train = 3, .validation = 1, .folds = 4}), HasSubstr("leave out train and test"));
}

TEST(Split, RefusesASubjectThatIsThereTwice) {
  EXPECT_THAT(
      [] {
        split_subjects({"a", "b", "a"}, {.train = 2, .validation = 1}, 1, 0);
      },
      testing::ThrowsMessage<std::invalid_argument>(HasSubstr("'a' is there twice")));
}

/// Persons p0, p1, ... of 1, 2, 3, 1, 2, 3, ... sessions, and whose each is.
std::map<std::string, std::string> sessions_of(int persons) {
  std::map<std::string, std::string> person_of;
  for (int p = 0; p < persons; ++p)
    for (int session = 0; session <= p % 3; ++session)
      person_of["p" + std::to_string(p) + "_" + std::to_string(session)] = "p" + std::to_string(p);
  return person_of;
}

std::string refusal(const std::map<std::string, std::string>& person_of, const SplitSpec& spec) {
  try {
    split_by_person(person_of, spec, 1, 0);
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return {};
}

void expect_equal(const Split& one, const Split& other) {
  EXPECT_EQ(one.train, other.train);
  EXPECT_EQ(one.validation, other.validation);
  EXPECT_EQ(one.test, other.test);
}

TEST(SplitByPerson, CountsPersonsAndKeepsAllOfOneTogether) {
  const Split split = split_by_person(sessions_of(6), {.train = 3, .validation = 1, .test = 2}, 1, 0);
  EXPECT_THAT(split.train, ElementsAre("p0_0", "p1_0", "p1_1", "p2_0", "p2_1", "p2_2"));
  EXPECT_THAT(split.validation, ElementsAre("p3_0"));
  EXPECT_THAT(split.test, ElementsAre("p4_0", "p4_1", "p5_0", "p5_1", "p5_2"));
}

TEST(SplitByPerson, TestsEachPersonInExactlyOneFold) {
  const std::map<std::string, std::string> person_of = sessions_of(10);
  std::map<std::string, int> tested;
  for (int fold = 0; fold < 4; ++fold) {
    const Split split = split_by_person(person_of, {.validation = 2, .folds = 4}, 3, fold);
    std::map<std::string, std::set<int>> parts;  // of each person
    int part = 0;
    std::size_t subjects = 0;
    for (const auto* names : {&split.train, &split.validation, &split.test}) {
      EXPECT_TRUE(std::is_sorted(names->begin(), names->end()));
      for (const std::string& name : *names) parts[person_of.at(name)].insert(part);
      subjects += names->size();
      ++part;
    }
    EXPECT_EQ(subjects, person_of.size());
    for (const auto& [person, in] : parts) EXPECT_EQ(in.size(), 1U) << person;
    EXPECT_EQ(std::ranges::count(parts, std::set<int>{1}, &std::pair<const std::string, std::set<int>>::second), 2);
    for (const std::string& name : split.test) ++tested[name];
  }
  EXPECT_EQ(tested.size(), person_of.size());
  for (const auto& [name, times] : tested) EXPECT_EQ(times, 1) << name;
}

TEST(SplitByPerson, TestsAllOfAPersonOfWhomOneIsNamed) {
  const SplitSpec spec{.train = 1, .validation = 1, .test_subjects = "p1_1"};
  EXPECT_THAT(split_by_person(sessions_of(3), spec, 1, 0).test, ElementsAre("p1_0", "p1_1"));
  const SplitSpec both{.train = 1, .validation = 1, .test_subjects = "p1_1 p1_0"};
  expect_equal(split_by_person(sessions_of(3), both, 1, 0), split_by_person(sessions_of(3), spec, 1, 0));
  const SplitSpec person{.train = 1, .validation = 1, .test_subjects = "p1"};
  expect_equal(split_by_person(sessions_of(3), person, 1, 0), split_by_person(sessions_of(3), spec, 1, 0));
}

TEST(SplitByPerson, IsThatOfSubjectsWhereEachHasOne) {
  // The persons' names are in another order than the subjects'.
  const std::map<std::string, std::string> person_of{{"a", "v"}, {"b", "z"}, {"c", "x"},
                                                     {"d", "y"}, {"e", "w"}, {"f", "u"}};
  for (const SplitSpec& spec : {SplitSpec{.train = 3, .validation = 1, .test = 2},
                                SplitSpec{.train = 2, .validation = 2, .test_subjects = "e b"}})
    expect_equal(split_by_person(person_of, spec, 7, 0), split_subjects(letters(6), spec, 7, 0));
  for (int fold = 0; fold < 3; ++fold) {
    const SplitSpec spec{.validation = 1, .folds = 3};
    expect_equal(split_by_person(person_of, spec, 7, fold), split_subjects(letters(6), spec, 7, fold));
  }
  for (const SplitSpec& spec :
       {SplitSpec{.train = 3, .validation = 1, .test = 1}, SplitSpec{.validation = 1, .folds = 9}})
    EXPECT_EQ(refusal(person_of, spec), refusal(6, spec));
}

TEST(SplitByPerson, RefusesNumbersThatDoNotFitThePersons) {
  EXPECT_THAT(refusal(sessions_of(6), {.train = 8, .validation = 2, .test = 2}),
              HasSubstr("is 12, but the cohort has 6 persons"));
  EXPECT_THAT(refusal(sessions_of(6), {.validation = 1, .folds = 7}), HasSubstr("the 6 persons"));
  EXPECT_THAT(refusal(sessions_of(3), {.train = 1, .validation = 1, .test_subjects = "p7"}), HasSubstr("names 'p7'"));
  EXPECT_THAT(refusal(sessions_of(3), {.train = 1, .validation = 1, .test_subjects = "p1 p1"}),
              HasSubstr("'p1' twice"));
}

}  // namespace
}  // namespace crossfade::data
