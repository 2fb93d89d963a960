#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <string>

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
  // What a GPU rounds to TF32 by an algorithm of its choice differs by 1e-3 between batches of unlike size.
  at::globalContext().setAllowTF32CuDNN(false);
  crossfade::runner::World world(argc, argv);
  crossfade::runner::world = &world;
  // NCCL refuses two ranks on one GPU of one host, and takes these for hosts: all may share the tests' one GPU.
  ::setenv("NCCL_HOSTID", ("rank " + std::to_string(world.communicator().rank())).c_str(), 1);
  ::setenv("NCCL_SOCKET_IFNAME", "lo", 0);
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
