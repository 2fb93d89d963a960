#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data/labels/label_table.hpp"

namespace crossfade::data {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string refusal(const OwnClasses& own) {
  return own_label_table_fault(own);
}

Volume<std::int32_t> row(std::vector<std::int32_t> ids) {
  const int size = static_cast<int>(ids.size());
  return {{{size, 1, 1}, {{{1, 0, 0, 0}, {0, 1, 0, 0}, {0, 0, 1, 0}}}}, std::move(ids)};
}

TEST(OwnClasses, AreInTheOrderOfTheirNamesWithTheirFirstIdsForPredictions) {
  const LabelTable table =
      own_label_table({.classes = R"({"Tumour core": [4, 2], "Oedema": 1})", .pairs = "", .ignore = "[9, -1]"});
  EXPECT_THAT(table.classes.names, ElementsAre("background", "Tumour-core", "Oedema"));
  EXPECT_THAT(table.id_of, ElementsAre(0, 4, 1));
  const MappedLabels mapped = map_labels(row({0, 1, 2, 4, 9, -1, 7}), table);
  EXPECT_THAT(mapped.classes.voxels, ElementsAre(0, 2, 1, 1, kIgnored, kIgnored, 0));
  EXPECT_THAT(mapped.unnamed, ElementsAre(testing::Pair(7, 1U)));
  EXPECT_TRUE(is_named(table, 2));
  EXPECT_FALSE(is_named(table, 9)) << "not judged is no class";
}

TEST(OwnClasses, MayNameClass0AndMergeIdsIntoIt) {
  const LabelTable table = own_label_table({.classes = R"({"Air": [0, 5], "Liver": 1})", .pairs = "", .ignore = ""});
  EXPECT_THAT(table.classes.names, ElementsAre("Air", "Liver"));
  EXPECT_THAT(map_labels(row({0, 5, 1}), table).classes.voxels, ElementsAre(0, 0, 1));
  EXPECT_TRUE(map_labels(row({0, 5, 1}), table).unnamed.empty());
}

TEST(OwnClasses, PairSidesAsTheySay) {
  const LabelTable table = own_label_table({.classes = R"({"Kidney r": 1, "Spleen": 2, "Kidney l": 3})",
                                            .pairs = R"({"Kidney l": "Kidney r"})",
                                            .ignore = ""});
  EXPECT_THAT(table.classes.left_twin, ElementsAre(0, 3, 2, 3));
  EXPECT_EQ(brain_classes().names[25], "Right-Hippocampus");
  EXPECT_EQ(brain_classes().left_twin[25], 15);
  EXPECT_EQ(brain_classes().left_twin[15], 15);
  EXPECT_EQ(brain_classes().left_twin[14], 14) << "the brain stem has no side";
}

TEST(OwnClasses, HaveAHashOfTheirOwnAndLeaveThatOfBuiltInTablesAlone) {
  const auto hash = [](const char* classes, const char* pairs = "", const char* ignore = "") {
    return own_label_table({classes, pairs, ignore}).hash();
  };
  const std::string one = hash(R"({"A": 1, "B": 2})");
  EXPECT_EQ(hash(R"({ "A":[1],"B" : 2 })"), one);
  EXPECT_NE(hash(R"({"A": 1, "C": 2})"), one);
  EXPECT_NE(hash(R"({"B": 2, "A": 1})"), one);
  EXPECT_NE(hash(R"({"A": 1, "B": 2})", R"({"A": "B"})"), one);
  EXPECT_NE(hash(R"({"A": 1, "B": 2})", "", "[3]"), one);
  EXPECT_EQ(label_table("freesurfer").hash(), "aec712084ac7c178") << "shards of before have it";
}

TEST(OwnClasses, OfAMapWithoutAnyAreNoFaultUnlessItHasOtherIds) {
  const LabelTable table = own_label_table({.classes = R"({"Lesion": 1})", .pairs = "", .ignore = ""});
  EXPECT_THAT(map_labels(row({0, 0}), table).classes.voxels, ElementsAre(0, 0)) << "a healthy subject";
  EXPECT_THROW(map_labels(row({0, 3}), table), std::runtime_error) << "another protocol's ids";
}

TEST(OwnClasses, AreRefusedWithTheReason) {
  EXPECT_EQ(refusal({R"({"A": 1})", "", ""}), "");
  EXPECT_THAT(refusal({"A: 1", "", ""}), HasSubstr("is no JSON, expected such as"));
  EXPECT_THAT(refusal({R"({"A": 1, "A": 2})", "", ""}), HasSubstr("classes: key 'A' is there twice"));
  EXPECT_THAT(refusal({R"({"A": 1, "B": 2, "C": 3})", R"({"A": "B", "A": "C"})", ""}), HasSubstr("pairs: key 'A'"));
  EXPECT_THAT(refusal({"[1, 2]", "", ""}), HasSubstr("expected {\"NAME\": ID or [IDS], ...}"));
  EXPECT_THAT(refusal({R"({"A": 1.5})", "", ""}), HasSubstr("class A has the id 1.5, expected a whole number"));
  EXPECT_THAT(refusal({R"({"A": []})", "", ""}), HasSubstr("class A has no id"));
  EXPECT_THAT(refusal({R"({"A": 1, "B": [2, 1]})", "", ""}), HasSubstr("id 1 of class B is there already"));
  EXPECT_THAT(refusal({R"({"A": 1})", "", "[1]"}), HasSubstr("id 1 of ignore is there already"));
  EXPECT_THAT(refusal({R"({"A b": 1, "A-b": 2})", "", ""}), HasSubstr("class A-b is there twice"));
  EXPECT_THAT(refusal({R"({"A": 0})", "", ""}), HasSubstr("no class beside the background"));
  EXPECT_THAT(refusal({R"({"A": 1})", R"({"A": "B"})", ""}), HasSubstr("pairs has 'B', which is no class"));
  EXPECT_THAT(refusal({R"({"A": 1})", R"({"A": "A"})", ""}), HasSubstr("pairs has class A twice"));
  std::string many = "{";
  for (int c = 1; c <= 255; ++c) many += (c > 1 ? ", \"" : "\"") + std::to_string(c) + "\": " + std::to_string(c);
  EXPECT_THAT(refusal({many + "}", "", ""}), HasSubstr("more than 255 classes"));
}

}  // namespace
}  // namespace crossfade::data
