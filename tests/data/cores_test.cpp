#include "data/cores.hpp"

#include <gmock/gmock.h>
#include <sched.h>

#include <algorithm>
#include <limits>
#include <thread>
#include <vector>

namespace crossfade::data {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;

TEST(UsableCores, AreThoseOfTheAffinity) {
  const std::vector<int> all = usable_cores();
  ASSERT_THAT(all, Not(IsEmpty()));
  EXPECT_TRUE(std::ranges::is_sorted(all));
  std::jthread([&] {  // a thread of its own, so that the other tests keep their cores
    cpu_set_t last;
    CPU_ZERO(&last);
    CPU_SET(static_cast<std::size_t>(all.back()), &last);
    ASSERT_EQ(sched_setaffinity(0, sizeof last, &last), 0);
    EXPECT_THAT(usable_cores(), ElementsAre(all.back()));
  });
  EXPECT_EQ(usable_cores(), all);
}

TEST(UsableCores, AreNoneOfAProcessThatIsNotThere) {
  EXPECT_THAT(usable_cores(std::numeric_limits<pid_t>::max()), IsEmpty());
}

}  // namespace
}  // namespace crossfade::data
