#include "data/cohorts/source_split.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace crossfade::data {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

std::vector<ListedSubject> subjects(const std::vector<std::pair<std::string, std::string>>& parts) {
  std::vector<ListedSubject> list;
  for (const auto& [name, part] : parts) list.push_back({.name = name, .part = part});
  return list;
}

std::string refusal(const std::vector<ListedSubject>& list, const std::vector<SourceFold>& folds, const SplitSpec& spec,
                    int fold = 0) {
  try {
    split_of_source(list, folds, spec, 1, fold);
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "accepted";
}

TEST(SourceSplit, TakesThePartsThatTheSourceSays) {
  const auto list = subjects({{"a", "test"}, {"b", "train"}, {"c", "validation"}, {"d", "train"}});
  const Split split = split_of_source(list, {}, {.from = "parts"}, 1, 0);
  EXPECT_THAT(split.train, ElementsAre("b", "d"));
  EXPECT_THAT(split.validation, ElementsAre("c"));
  EXPECT_THAT(split.test, ElementsAre("a"));
  EXPECT_THAT(refusal(subjects({{"a", ""}, {"b", "train"}}), {}, {.from = "parts"}),
              HasSubstr("says no part of subject 'a'"));
  EXPECT_THAT(refusal(subjects({{"a", "train"}, {"b", "test"}}), {}, {.from = "parts"}),
              HasSubstr("1 subjects for training and 0 for validation"));
}

TEST(SourceSplit, DrawsWhoValidatesWhereTheSourceSaysWhoIsTestedAlone) {
  const auto list = subjects({{"a", ""}, {"b", "test"}, {"c", ""}, {"d", ""}, {"e", "test"}, {"f", ""}});
  const SplitSpec spec{.validation = 2, .from = "parts"};
  const Split split = split_of_source(list, {}, spec, 1, 0);
  EXPECT_THAT(split.test, ElementsAre("b", "e"));
  EXPECT_EQ(split.train.size(), 2U);
  EXPECT_EQ(split.validation.size(), 2U);
  std::set<std::string> others(split.train.begin(), split.train.end());
  others.insert(split.validation.begin(), split.validation.end());
  EXPECT_THAT(others, ElementsAre("a", "c", "d", "f"));
  EXPECT_EQ(split_of_source(list, {}, spec, 1, 0).validation, split.validation);
  std::set<std::vector<std::string>> drawn;  // one of six pairs each
  for (std::uint64_t seed = 1; seed <= 40; ++seed) drawn.insert(split_of_source(list, {}, spec, seed, 0).validation);
  EXPECT_GT(drawn.size(), 1U) << "by the seed";
  for (const int validation : {0, 4})
    EXPECT_THAT(refusal(list, {}, {.validation = validation, .from = "parts"}),
                AllOf(HasSubstr("validation: " + std::to_string(validation) + " of the 4 subjects"),
                      HasSubstr("expected at least one, and one left to train on")));
  EXPECT_THAT(refusal(list, {}, spec, 1), HasSubstr("no fold 1"));
}

TEST(SourceSplit, DrawsNobodyWhereTheSourceSaysAllParts) {
  const SplitSpec spec{.validation = 1, .from = "parts"};
  const std::string all = refusal(subjects({{"a", "train"}, {"b", "validation"}, {"c", "test"}}), {}, spec);
  EXPECT_THAT(all, AllOf(HasSubstr("validation: 1, but the source itself says"), HasSubstr("leave out validation")));
  EXPECT_THAT(refusal(subjects({{"a", "train"}, {"b", "train"}, {"c", "test"}}), {}, spec),
              HasSubstr("name there who validates"));
  EXPECT_THAT(refusal(subjects({{"a", ""}, {"b", "train"}, {"c", "test"}}), {}, spec),
              HasSubstr("says no part of subject 'a'"));
  EXPECT_THAT(refusal(subjects({{"a", ""}, {"b", ""}}), {}, spec), HasSubstr("says no part of any subject"));
}

TEST(SourceSplit, LearnsFromNoTestCaseOfADataSetByNumbersAlone) {
  const auto list = subjects({{"a", ""}, {"b", "test"}, {"c", ""}, {"d", "test"}});
  const auto says_how =
      AllOf(HasSubstr("test cases (imagesTs) would be mixed into training, 'b' for one"),
            HasSubstr("{from: parts, validation: N}"), HasSubstr("test_subjects"), HasSubstr("exclude"));
  EXPECT_THAT(refusal(list, {}, {.train = 2, .validation = 1, .test = 1}), says_how);
  EXPECT_THAT(refusal(list, {}, {.train = 1, .validation = 1, .test = 2}), says_how) << "b validates";
  // Each fold tests one of four, so that at least one of the two own test cases is learnt from.
  EXPECT_THAT(refusal(list, {}, {.validation = 1, .folds = 4}), HasSubstr("would be mixed into training"));
  EXPECT_EQ(refusal(list, {}, {.train = 1, .validation = 2, .test_subjects = "d"}), "accepted") << "said by name";
  EXPECT_EQ(refusal(list, {}, {.test = 4}), "accepted") << "nobody is learnt from";
  EXPECT_EQ(refusal(subjects({{"a", ""}, {"b", ""}, {"c", ""}}), {}, {.train = 1, .validation = 1, .test = 1}),
            "accepted");
  const auto last = subjects({{"a", ""}, {"b", ""}, {"c", "test"}});
  EXPECT_EQ(refusal(last, {}, {.train = 1, .validation = 1, .test = 1}), "accepted") << "it is the one that is tested";
  const auto table = subjects({{"a", "test"}, {"b", "train"}, {"c", "validation"}});
  EXPECT_EQ(refusal(table, {}, {.train = 1, .validation = 1, .test = 1}), "accepted") << "a table is no rule";
}

TEST(SourceSplit, TestsAFoldsValidationAndDrawsItsOwnFromTheRest) {
  const auto list = subjects({{"a", ""}, {"b", ""}, {"c", ""}, {"d", ""}, {"e", ""}});
  const std::vector<SourceFold> folds = {{{"a", "b", "c", "d"}, {"e"}}, {{"e", "d", "c", "gone"}, {"a", "b"}}};
  const SplitSpec spec{.validation = 1, .folds = 2, .from = "folds"};
  const Split first = split_of_source(list, folds, spec, 1, 0);
  EXPECT_THAT(first.test, ElementsAre("e"));
  ASSERT_EQ(first.validation.size(), 1U);
  std::set<std::string> others(first.train.begin(), first.train.end());
  others.insert(first.validation[0]);
  EXPECT_THAT(others, ElementsAre("a", "b", "c", "d"));
  EXPECT_EQ(split_of_source(list, folds, spec, 1, 0).validation, first.validation);
  const Split second = split_of_source(list, folds, spec, 1, 1);
  EXPECT_THAT(second.test, ElementsAre("a", "b"));
  EXPECT_EQ(second.train.size() + second.validation.size(), 3U) << "who was left out of the cohort is in no part";
  EXPECT_THAT(refusal(list, {}, spec), HasSubstr("no splits_final.json"));
  EXPECT_THAT(refusal(list, folds, {.validation = 1, .folds = 5, .from = "folds"}), HasSubstr("folds: 5, but"));
  EXPECT_THAT(refusal(list, folds, {.validation = 4, .folds = 2, .from = "folds"}),
              HasSubstr("validation: 4 of the 4"));
}

TEST(SourceSplit, IsRefusedBesideNumbersThatSayOtherwise) {
  EXPECT_EQ(source_split_fault({.train = 3, .validation = 1}), "");
  EXPECT_THAT(source_split_fault({.train = 3, .from = "parts"}), HasSubstr("leave out train"));
  EXPECT_EQ(source_split_fault({.validation = 3, .from = "parts"}), "") << "the source may say who is tested alone";
  EXPECT_THAT(source_split_fault({.folds = 3, .from = "parts"}), HasSubstr("leave out folds"));
  EXPECT_THAT(source_split_fault({.from = "folds"}), HasSubstr("{from: folds, folds: 5, validation: 4}"));
}

TEST(SourceSplit, KeepsThePersonsTogether) {
  std::vector<ListedSubject> list;
  for (const char* name : {"p1_a", "p1_b", "p2_a", "p3_a"})
    list.push_back({.name = name, .person = std::string(name, 2)});
  const Split split = split_of_source(list, {}, {.train = 1, .validation = 1, .test = 1}, 1, 0);
  EXPECT_THAT(split.train, ElementsAre("p1_a", "p1_b"));
  EXPECT_THAT(split.validation, ElementsAre("p2_a"));
  EXPECT_THAT(split.test, ElementsAre("p3_a"));
}

}  // namespace
}  // namespace crossfade::data
