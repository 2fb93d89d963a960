// A trial of small_trial() on one rank, interrupted and gone on with, and what its checkpoints hold.
#pragma once

#include <gtest/gtest.h>
#include <torch/types.h>

#include <filesystem>
#include <string>

#include "runner/trial/checkpoint.hpp"
#include "runner/trial/trial.hpp"
#include "tests/device.hpp"
#include "tests/runner/trial/small_trial.hpp"
#include "tests/runner/world_of_one.hpp"
#include "tests/temporary_folder.hpp"

namespace crossfade::runner {

class TrialOfOneRank : public testing::Test {
 protected:
  TrialOfOneRank() { write_small_shards(folder_.path); }

  TrialOutcome run(const TrialConfig& config, const std::string& name, Heard& heard, int stop_after = -1,
                   const std::string& hash = "hash") {
    return run_trial(config, {hash}, open_small_shards(folder_.path), group_, folder_.path / name,
                     heard.events(stop_after));
  }

  TemporaryFolder folder_;
  Group group_ = group_of_one(tests::device());
};

inline void expect_same_tensors(const std::filesystem::path& a, const std::filesystem::path& b) {
  const TensorFile first = read_tensors(a), second = read_tensors(b);
  ASSERT_EQ(first.tensors.size(), second.tensors.size());
  for (const auto& [name, tensor] : first.tensors) EXPECT_TRUE(torch::equal(tensor, second.tensor(name))) << name;
}

}  // namespace crossfade::runner
