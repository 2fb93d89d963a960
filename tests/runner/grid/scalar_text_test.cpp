#include "runner/grid/scalar_text.hpp"

#include <gtest/gtest.h>

namespace crossfade::runner {
namespace {

TEST(ScalarText, ReadsNumbersAsResearchersWriteThem) {
  EXPECT_EQ(parse_number("1e-3"), 0.001);
  EXPECT_EQ(parse_number("+2"), 2);
  EXPECT_EQ(parse_number(".5"), 0.5);
  EXPECT_EQ(parse_number("-1.5E2"), -150);
}

TEST(ScalarText, RefusesWhatIsNotWhollyAFiniteNumber) {
  for (const char* text : {"", "1e-3abc", "abc", "nan", "inf", "-inf", ".inf", ".nan", "1e999", "0x10", " 1", "1 ",
                           "1_000", "1,5", "+-1", "+", "true"})
    EXPECT_EQ(parse_number(text), std::nullopt) << text;
}

TEST(ScalarText, ReadsIntegersOnlyAsIntegers) {
  EXPECT_EQ(parse_integer("42"), 42);
  EXPECT_EQ(parse_integer("-7"), -7);
  for (const char* text : {"3.0", "1e3", "", "9223372036854775808", "4 2"})
    EXPECT_EQ(parse_integer(text), std::nullopt) << text;
}

TEST(ScalarText, WritesTheShortestTextThatReadsBack) {
  EXPECT_EQ(number_text(0.0003), "0.0003");
  EXPECT_EQ(number_text(2), "2");
  for (const double value : {1.0 / 3, 1e-12, 0.1 + 0.2, 6.02e23}) EXPECT_EQ(parse_number(number_text(value)), value);
}

}  // namespace
}  // namespace crossfade::runner
