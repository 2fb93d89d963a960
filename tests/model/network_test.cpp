#include "model/network.hpp"

#include <gmock/gmock.h>
#include <torch/nn/init.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <cmath>
#include <stdexcept>

#include "model/flops.hpp"

namespace crossfade::model {
namespace {

using testing::HasSubstr;

// Takes the allowed names of the option `name` and ignores every other.
struct NameChoices {
  std::vector<std::string> names;
  void choice(const char* option, const std::string&, std::vector<std::string> allowed, const char*) {
    if (std::string(option) == "name") names = std::move(allowed);
  }
  void integer(const char*, int, int, int, const char*) {}
};

TEST(Network, IsMadeForEveryNameThatAGridMayGive) {
  ModelOptions options;
  NameChoices choices;
  describe(choices, options);
  ASSERT_FALSE(choices.names.empty());
  options.width = 2;
  for (const std::string& name : choices.names) {
    options.name = name;
    EXPECT_NE(make_network(options, 1, 3, 1), nullptr) << name;
  }
}

TEST(Network, OfUnknownNameIsRefusedWithTheKnownOnes) {
  ModelOptions options;
  options.name = "vnet";
  try {
    make_network(options, 1, 3, 1);
    FAIL() << "accepted";
  } catch (const std::invalid_argument& error) {
    EXPECT_THAT(error.what(), HasSubstr("unknown name 'vnet'; known: unet"));
  }
}

TEST(Network, DrawsItsParametersFromItsSeedAlone) {
  ModelOptions options;
  options.width = 4;
  options.depth = 2;
  torch::manual_seed(1);
  const auto first = make_network(options, 1, 3, 17)->parameters();
  const torch::Tensor after = torch::rand({4});
  torch::manual_seed(1);
  const torch::Tensor alone = torch::rand({4});
  EXPECT_TRUE(after.equal(alone)) << "making a net must leave the global generator as it was";
  const auto again = make_network(options, 1, 3, 17)->parameters();
  const auto other = make_network(options, 1, 3, 18)->parameters();
  for (std::size_t i = 0; i < first.size(); ++i) {
    EXPECT_TRUE(first[i].equal(again[i]));
    EXPECT_EQ(first[i].equal(other[i]), first[i].dim() != 4) << "weights follow the seed, biases are constant";
  }
}

// A uniform distribution on (−b, b) has the deviation b/√3; 36,864 draws estimate it to about 0.3 %, so 2 % is safe.
TEST(Network, StartsFromXavierUniformWeightsAndZeroBiases) {
  ModelOptions options;
  options.width = 64;
  options.depth = 1;
  options.norm = "batch";
  const auto network = make_network(options, 1, 3, 5);
  for (const auto& item : network->named_parameters()) {
    const torch::Tensor& parameter = item.value();
    if (parameter.dim() == 4) {
      const auto [fan_in, fan_out] = torch::nn::init::_calculate_fan_in_and_fan_out(parameter);
      const double bound = std::sqrt(6.0 / static_cast<double>(fan_in + fan_out));
      EXPECT_LE(parameter.abs().max().item<double>(), bound) << item.key();
      if (parameter.numel() < 30000) continue;
      EXPECT_NEAR(parameter.std().item<double>(), bound / std::sqrt(3.0), 0.02 * bound) << item.key();
      EXPECT_NEAR(parameter.mean().item<double>(), 0, 0.02 * bound) << item.key();
    } else {
      EXPECT_TRUE((parameter == (item.key().ends_with("bias") ? 0 : 1)).all().item<bool>()) << item.key();
    }
  }
}

TEST(ForwardFlops, CountsTwoForEachWeightThatAConvolutionAppliesToAPixel) {
  ModelOptions options;
  options.width = 1;
  options.depth = 1;
  const auto network = make_network(options, 1, 28, 1);
  // By hand, weights x pixels: 4 x 4 above (two convolutions, after the skip two more, classifier), 2 x 2 below
  // (two convolutions, and the transposed one, which spreads its four weights a channel from each input pixel).
  const double above = 9 + 9 + 18 + 9 + 28, below = 18 + 36 + 8;
  EXPECT_EQ(forward_flops(*network, 1, 4, 4), 2 * (16 * above + 4 * below));
  EXPECT_EQ(forward_flops(*network, 1, 8, 8), 4 * forward_flops(*network, 1, 4, 4));
  EXPECT_EQ(forward_flops(*network, 1, 4, 8), 2 * forward_flops(*network, 1, 4, 4));
}

}  // namespace
}  // namespace crossfade::model
