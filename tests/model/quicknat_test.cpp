#include "model/quicknat.hpp"

#include <gmock/gmock.h>
#include <torch/types.h>

#include <stdexcept>

#include "tests/model/pytorch_reference.hpp"

namespace crossfade::model {
namespace {

using testing::HasSubstr;

ModelOptions small() {
  ModelOptions options;
  options.name = "quicknat";
  options.width = 4;
  options.depth = 2;
  options.kernel = 3;
  return options;
}

// 64 filters of 5 x 5, 4 poolings, one input channel, 28 classes. By hand, with BN(c) = 2c and conv(k, a, b) = k²ab +
// b: a dense block on c channels has BN(c) + conv(5, c, 64) + BN(c + 64) + conv(5, c + 64, 64) + BN(c + 128) + conv(1,
// c + 128, 64), which is 114,438 for c = 1, 320,448 for c = 64 and 529,728 for c = 128; the net has one, three and four
// of them, 102,592 in the bottleneck and 1,820 in the classifier.
TEST(QuickNat, HasTheAuthorsNumberOfParameters) {
  ModelOptions published;
  published.name = "quicknat";
  EXPECT_EQ(parameter_count(*make_network(published, 1, 28, 1)), 3299106);
  EXPECT_EQ(114438 + 3 * 320448 + 4 * 529728 + 102592 + 1820, 3299106);
}

TEST(QuickNat, GivesLogitsOfTheImagesSizeForAnyDivisibleSize) {
  const auto network = make_network(small(), 2, 7, 1);
  EXPECT_EQ(network->divisor(), 4);
  for (const auto& [height, width] : {std::pair{4, 4}, std::pair{16, 12}, std::pair{20, 36}}) {
    const torch::Tensor logits = network->forward(images({3, 2, height, width}).to(torch::kFloat32));
    EXPECT_EQ(logits.sizes(), (std::vector<std::int64_t>{3, 7, height, width}));
    EXPECT_TRUE(logits.is_contiguous(torch::MemoryFormat::ChannelsLast));
  }
  try {
    network->forward(torch::zeros({1, 2, 18, 16}));
    FAIL() << "accepted";
  } catch (const std::invalid_argument& error) {
    EXPECT_THAT(error.what(), HasSubstr("divisible by 4"));
  }
}

TEST(QuickNat, GivesWhatPyTorchGivesInTrainingAndEvaluation) {
  expect_as_in_pytorch(small());
}

// A rank without a slice takes part in every collective and leaves no gradient anywhere.
TEST(QuickNat, GivesNoGradientOnADummyRank) {
  const auto network = make_network(small(), 1, 3, 1);
  int collectives = 0;
  network->group().all_reduce = [&](torch::Tensor& sums) {
    ++collectives;
    sums += 1;  // what another rank adds
  };
  network->group().dummy = true;
  const torch::Tensor logits = network->forward(images({1, 1, 8, 8}).to(torch::kFloat32));
  EXPECT_EQ(collectives, 13) << "three normalisations in each of four dense blocks, one at the bottom";
  logits.backward(torch::zeros_like(logits));
  for (const auto& item : network->named_parameters()) {
    EXPECT_EQ(item.value().grad().abs().max().item<double>(), 0) << item.key();
  }
}

}  // namespace
}  // namespace crossfade::model
