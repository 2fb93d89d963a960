#include "runner/evaluation/vote.hpp"
#include "data/labels/structures.hpp"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>
#include <map>
#include <set>

#include "data/shards/turned_shard.hpp"
#include "tests/data/small_shard.hpp"
#include "tests/runner/trial/small_trial.hpp"
#include "tests/temporary_folder.hpp"

namespace crossfade::runner {
namespace {

/// Logits that are a linear function of a pixel's intensity, another one for each class and `tag`.
struct Linear : model::Network {
  explicit Linear(int tag) : tag_(tag) { register_parameter("unused", torch::zeros({1})); }
  double logit(int structure, double intensity) const {
    return std::sin(structure * (tag_ + 1.7)) * 4 * intensity + std::cos(structure * 2.1 + tag_) / 2;
  }
  torch::Tensor compute(const torch::Tensor& images) override {
    std::vector<torch::Tensor> logits;
    for (int c = 0; c < data::kClasses; ++c) logits.push_back(images * logit(c, 1) + (1 - images) * logit(c, 0));
    return torch::cat(logits, 1);
  }
  int divisor() const override { return 1; }
  int tag_;
};

TEST(Vote, IsTheLargestWeightedSumOfProbabilitiesAtEachVoxelWhateverTheBatch) {
  const std::map<int, int> left_of = {{3, 1},  {4, 2},   {18, 5},  {19, 6},  {20, 7},  {21, 8},
                                      {22, 9}, {23, 10}, {24, 11}, {25, 15}, {26, 16}, {27, 17}};
  const TemporaryFolder folder;
  const data::ShardContents axial = block_shard("s", 1, 5);
  std::vector<data::Shard> shards;
  for (const char* plane : {"axial", "coronal", "sagittal"}) {
    const auto file = folder.path / (std::string(plane) + ".h5");
    data::write_shard(file, data::turned(axial, plane));
    shards.emplace_back(file);
  }
  std::vector<Linear> nets = {Linear(1), Linear(2), Linear(3)};
  const std::array weights = {0.4, 0.35, 0.25};
  std::vector<Voter> voters;
  for (std::size_t v = 0; v < 3; ++v) voters.push_back({nets[v], shards[v], weights[v]});

  std::vector<int> expected;
  std::set<int> classes;
  const auto& scan = shards[0].info().scans.front();
  for (const std::uint8_t value : axial.images) {
    const double intensity = (value - scan.channels[0].mean) / scan.channels[0].sd;
    std::array<double, data::kClasses> sums{};
    for (std::size_t v = 0; v < 3; ++v) {
      double all = 0;
      for (int c = 0; c < data::kClasses; ++c) all += std::exp(nets[v].logit(c, intensity));
      for (int c = 0; c < data::kClasses; ++c) {
        const int said = v == 2 && left_of.contains(c) ? left_of.at(c) : c;
        sums[static_cast<std::size_t>(c)] += weights[v] * std::exp(nets[v].logit(said, intensity)) / all;
      }
    }
    expected.push_back(static_cast<int>(std::ranges::max_element(sums) - sums.begin()));
    classes.insert(expected.back());
  }
  ASSERT_GT(classes.size(), 2U) << "a case that a net alone could not pass";
  for (const int batch : {1, 3, 100}) {
    const auto said = vote(voters, torch::kCPU, batch);
    EXPECT_EQ(std::vector<int>(said.begin(), said.end()), expected);
  }
  EXPECT_NE(vote({voters.front()}, torch::kCPU, 4), std::vector<std::uint8_t>(expected.begin(), expected.end()));
}

}  // namespace
}  // namespace crossfade::runner
