#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <cstdio>

#include "tests/distributed/world.hpp"

namespace crossfade::runner {
namespace {
World* world = nullptr;
}
World& test_world() {
  return *world;
}
}  // namespace crossfade::runner

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  at::set_num_threads(1);
  crossfade::runner::World world(argc, argv);
  crossfade::runner::world = &world;
  auto& listeners = testing::UnitTest::GetInstance()->listeners();
  if (world.communicator().rank() != 0) {
    // The others speak only when they fail, on standard error, by gtest's own message of a failed assertion.
    struct OnlyFailures : testing::EmptyTestEventListener {
      void OnTestPartResult(const testing::TestPartResult& result) override {
        if (result.failed()) {
          std::fprintf(stderr, "%s:%d: %s\n", result.file_name(), result.line_number(), result.message());
        }
      }
    };
    delete listeners.Release(listeners.default_result_printer());
    listeners.Append(new OnlyFailures);
  }
  return RUN_ALL_TESTS();
}
