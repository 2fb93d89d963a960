#include "data/hash.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/data/small_shard.hpp"
#include "tests/temporary_folder.hpp"

namespace crossfade::data {
namespace {

TEST(Hash, IsSha256) {
  // FIPS 180-2, appendix B, and the empty text.
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256_hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(Hash, DoesNotDependOnHowTheTextComes) {
  EXPECT_EQ(Sha256().update("a").update("").update("bc").hex(), sha256_hex("abc"));
}

TEST(Hash, OfAFileCoversLengthAndBytes) {
  const TemporaryFolder folder;
  const std::string bytes(3000000, 'x');  // longer than the buffer
  std::ofstream(folder.path / "file", std::ios::binary) << bytes;
  EXPECT_EQ(Sha256().update_file(folder.path / "file").hex(), sha256_hex("3000000\n" + bytes));
  EXPECT_THAT([&] { Sha256().update_file(folder.path / "none"); },
              testing::ThrowsMessage<std::runtime_error>(testing::HasSubstr("none")));
}

TEST(Hash, GivesTheFirst32BitsAsASubjectsKey) {
  EXPECT_EQ(subject_key("abc"), 0xba7816bfU);
}

}  // namespace
}  // namespace crossfade::data
