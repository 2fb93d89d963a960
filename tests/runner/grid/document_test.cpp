#include "runner/grid/document.hpp"

#include <gtest/gtest.h>

namespace crossfade::runner {
namespace {

std::string refusal(const std::string& text) {
  try {
    parse_document(text, "f");
  } catch (const GridError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(Document, KnowsWhereKeysAndValuesStand) {
  const Value root = parse_document("# comment\na:\n  b: [10, x]\n", "f");
  const Entry& b = *root.find("a")->find_entry("b");
  EXPECT_EQ(to_string(b.place), "f:3:3");
  EXPECT_EQ(to_string(b.value.list[1].place), "f:3:11");
  EXPECT_EQ(b.value.list[1].scalar, "x");
}

TEST(Document, PlacesNothingAtItsKey) {
  const Value root = parse_document("a:\nb: ~\n", "f");
  EXPECT_EQ(root.find("a")->kind, Value::Kind::kNothing);
  EXPECT_EQ(to_string(root.find("a")->place), "f:1:1");
}

TEST(Document, TellsQuotedTextFromNumbers) {
  const Value root = parse_document("a: '1'\nb: 1\n", "f");
  EXPECT_TRUE(root.find("a")->quoted);
  EXPECT_FALSE(root.find("b")->quoted);
}

TEST(Document, RefusesSyntaxErrorsByPlace) {
  EXPECT_EQ(refusal("a: 1\n b: 2\n"), "f:2:3: not valid YAML: illegal map value");
  EXPECT_EQ(refusal("x: *y\n"), "f:1:4: not valid YAML: the referenced anchor is not defined");
  EXPECT_EQ(refusal("a: \"x"), "f:1:6: not valid YAML: illegal EOF in scalar");
}

TEST(Document, RefusesDuplicateKeysByBothPlaces) {
  EXPECT_EQ(refusal("a: 1\nb: {c: 1, d: 2, c: 3}\n"),
            "f:2:17: duplicate key 'c', expected each key once (the first is in line 2)");
}

TEST(Document, RefusesKeysThatAreNoScalars) {
  EXPECT_EQ(refusal("? [1, 2]\n: 3\n"), "f:1:3: a key must be a word or a number, not a list, a map or nothing");
}

TEST(Document, RefusesASecondDocument) {
  EXPECT_EQ(refusal("a: 1\n---\nb: 2\n"), "f:3:1: a second YAML document, expected one");
}

TEST(Document, RefusesAnAliasOfItself) {
  EXPECT_NE(refusal("a: &x [*x]\n").find("nested too deeply"), std::string::npos);
}

TEST(Document, RefusesAliasesThatMultiplyBeyondMeasure) {
  std::string text = "a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n";
  for (char level = '1'; level <= '9'; ++level) {
    std::string list;
    for (int i = 0; i < 10; ++i) list.append(i == 0 ? "*a" : ", *a").push_back(static_cast<char>(level - 1));
    text.append("a").append(1, level).append(": &a").append(1, level).append(" [").append(list).append("]\n");
  }
  EXPECT_NE(refusal(text).find("too large"), std::string::npos);
}

TEST(Document, WritesYamlThatReadsBackAsTheSameTree) {
  const Value once =
      parse_document("a: {b: [1, 'two', ~], 'c d': \"3\"}\ne:\n  f, g + h: 0.5\n  i: {}\n  j: 'x: y'\n", "f");
  const std::string written = to_yaml(once);
  const Value again = parse_document(written, "f");
  EXPECT_EQ(to_yaml(again), written);
  EXPECT_EQ(again.find("a")->find("b")->list[1].scalar, "two");
  EXPECT_EQ(again.find("a")->find("b")->list[2].kind, Value::Kind::kNothing);
  EXPECT_TRUE(again.find("a")->find("c d")->quoted);
  EXPECT_EQ(again.find("e")->find("f, g + h")->scalar, "0.5");
  EXPECT_TRUE(again.find("e")->find("i")->is_map());
  EXPECT_EQ(again.find("e")->find("j")->scalar, "x: y");
}

TEST(Document, MergesMapsKeyByKeyAndReplacesTheRest) {
  const Value base = parse_document("a: {x: 1, y: [1, 2]}\nb: 1\n", "base");
  const Value over = parse_document("a: {y: [3], z: 4}\n", "over");
  const Value both = merged(base, over);
  EXPECT_EQ(to_flow_yaml(both), "{a: {x: 1, y: [3], z: 4}, b: 1}");
  EXPECT_EQ(both.find("a")->find("y")->place.source, "over");
  EXPECT_EQ(both.find("b")->place.source, "base");
}

}  // namespace
}  // namespace crossfade::runner
