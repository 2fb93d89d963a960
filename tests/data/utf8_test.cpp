#include "data/utf8.hpp"

#include <gtest/gtest.h>

namespace crossfade::data {
namespace {

TEST(ValidUtf8, ReplacesWhatIsNoneAndLeavesTheRest) {
  EXPECT_EQ(valid_utf8("s1 \"quoted\" \\ Köpfe 脳"), "s1 \"quoted\" \\ Köpfe 脳");
  EXPECT_EQ(valid_utf8("K\xF6pfe"), "K\xEF\xBF\xBDpfe");  // Latin-1
  EXPECT_EQ(valid_utf8("\xFF"), "\xEF\xBF\xBD");
  EXPECT_EQ(valid_utf8(""), "");
}

}  // namespace
}  // namespace crossfade::data
