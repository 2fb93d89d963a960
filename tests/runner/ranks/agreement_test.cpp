#include "runner/ranks/agreement.hpp"

#include <gmock/gmock.h>

#include <stdexcept>
#include <string>

#include "tests/error_of.hpp"
#include "tests/runner/world_of_one.hpp"

namespace crossfade::runner {
namespace {

TEST(Together, ThrowsWhateverAnErrorSays) {
  Communicator& world = world_of_one().communicator();
  const auto said = [&](const std::string& words) {
    return error_of([&] { together(world, [&] { throw std::runtime_error(words); }); });
  };
  EXPECT_EQ(said("no room"), "no room");
  EXPECT_EQ(said("\nno room\nin the heap"), "no room") << "its first line";
  EXPECT_EQ(said(""), "an error without a message");
  EXPECT_EQ(said("\n"), "an error without a message");
}

}  // namespace
}  // namespace crossfade::runner
