#include "data/base64.hpp"

#include <gtest/gtest.h>

#include <string_view>
#include <vector>

namespace crossfade::data {
namespace {

TEST(Base64, IsThatOfRfc4648) {
  const auto of = [](std::string_view text) { return base64(std::vector<unsigned char>(text.begin(), text.end())); };
  EXPECT_EQ(of(""), "");
  EXPECT_EQ(of("f"), "Zg==");
  EXPECT_EQ(of("fo"), "Zm8=");
  EXPECT_EQ(of("foo"), "Zm9v");
  EXPECT_EQ(of("foob"), "Zm9vYg==");
  EXPECT_EQ(of("fooba"), "Zm9vYmE=");
  EXPECT_EQ(of("foobar"), "Zm9vYmFy");
  EXPECT_EQ(of("\xff\xfe\xfd"), "//79");
}

}  // namespace
}  // namespace crossfade::data
