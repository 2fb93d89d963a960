#include "model/unet.hpp"

#include <gmock/gmock.h>
#include <torch/types.h>

#include <stdexcept>

#include "model/autocast.hpp"
#include "tests/model/pytorch_reference.hpp"

namespace crossfade::model {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;

ModelOptions small(const std::string& norm, int depth = 2) {
  ModelOptions options;
  options.width = 4;
  options.depth = depth;
  options.norm = norm;
  return options;
}

// 64 channels, 4 poolings, one input channel, 28 classes, no normalisation.
TEST(UNet, HasThePapersNumberOfParameters) {
  EXPECT_EQ(parameter_count(*make_network({}, 1, 28, 1)), 31032348);
}

TEST(UNet, GivesLogitsOfTheImagesSizeForAnyDivisibleSize) {
  const auto network = make_network(small("none"), 2, 7, 1);
  EXPECT_EQ(network->divisor(), 4);
  for (const auto& [height, width] : {std::pair{4, 4}, std::pair{16, 12}, std::pair{20, 36}}) {
    const torch::Tensor logits = network->forward(images({3, 2, height, width}).to(torch::kFloat32));
    EXPECT_EQ(logits.sizes(), (std::vector<std::int64_t>{3, 7, height, width}));
    EXPECT_TRUE(logits.is_contiguous(torch::MemoryFormat::ChannelsLast));
  }
}

TEST(UNet, RefusesASizeThatItsPoolingsDoNotDivide) {
  const auto network = make_network(small("none", 3), 1, 2, 1);
  for (const auto& sizes : {std::vector<std::int64_t>{1, 1, 16, 20}, {1, 2, 16, 16}, {16, 16}, {1, 1, 0, 16}}) {
    try {
      network->forward(torch::zeros(sizes));
      FAIL() << "accepted";
    } catch (const std::invalid_argument& error) {
      EXPECT_THAT(error.what(), HasSubstr("divisible by 8 (one factor of 2 for each pooling), got"));
    }
  }
}

TEST(UNet, NamesItsParametersAsACheckpointReaderExpects) {
  const auto plain = make_network(small("none"), 1, 3, 1)->named_parameters().keys();
  EXPECT_THAT(plain, Contains("encoder.0.conv1.weight"));
  EXPECT_THAT(plain, Contains("encoder.0.conv1.bias"));
  EXPECT_THAT(plain, Contains("bottom.conv2.weight"));
  EXPECT_THAT(plain, Contains("decoder.1.up.weight"));
  EXPECT_THAT(plain, Contains("decoder.0.conv.conv2.bias"));
  EXPECT_THAT(plain, Contains("classifier.bias"));
  const auto network = make_network(small("batch"), 1, 3, 1);
  const auto normalised = network->named_parameters().keys();
  EXPECT_THAT(normalised, Contains("encoder.0.norm1.weight"));
  EXPECT_THAT(normalised, Not(Contains("encoder.0.conv1.bias"))) << "batch normalisation takes any bias away again";
  EXPECT_THAT(network->named_buffers().keys(), Contains("decoder.0.conv.norm2.running_var"));
}

TEST(UNet, GivesWhatPyTorchGivesInTrainingAndEvaluation) {
  for (const std::string norm : {"none", "batch"}) expect_as_in_pytorch(small(norm));
}

TEST(UNet, IsBitIdenticalWhenRepeated) {
  const torch::Tensor input = images({2, 1, 16, 16}).to(torch::kFloat32);
  std::vector<torch::Tensor> gradients[2];
  for (auto& of_run : gradients) {
    const auto network = make_network(small("batch"), 1, 3, 1);
    network->forward(input).square().sum().backward();
    for (const torch::Tensor& parameter : network->parameters()) of_run.push_back(parameter.grad());
  }
  for (std::size_t i = 0; i < gradients[0].size(); ++i) EXPECT_TRUE(gradients[0][i].equal(gradients[1][i]));
}

TEST(UNet, KeepsStatisticsInFloat32AndEndsAutocastWithTheForwardPass) {
  const auto network = make_network(small("batch"), 1, 3, 1);
  network->set_precision(Precision::kBf16);
  const torch::Tensor input = images({2, 1, 16, 16}).to(torch::kFloat32);
  network->forward(input);
  for (const torch::Tensor& buffer : network->buffers()) EXPECT_EQ(buffer.scalar_type(), torch::kFloat32);
  EXPECT_EQ(torch::mm(torch::ones({2, 2}), torch::ones({2, 2})).scalar_type(), torch::kFloat32);
  network->eval();
  const torch::NoGradGuard no_grad;
  EXPECT_EQ(network->forward(input).scalar_type(), torch::kBFloat16);
}

// What the optimiser changes after the outermost has ended is seen by the next forward pass.
TEST(UNet, ConvertsParametersOnceWithinTheOutermostAutocast) {
  const auto network = make_network(small("none"), 1, 3, 1);
  network->set_precision(Precision::kBf16);
  network->eval();
  const torch::NoGradGuard no_grad;
  const torch::Tensor input = images({2, 1, 16, 16}).to(torch::kFloat32), alone = network->forward(input);
  {
    const Autocast outermost(Precision::kBf16, torch::kCPU);
    EXPECT_TRUE(network->forward(input).equal(alone));
    for (const torch::Tensor& parameter : network->parameters()) parameter.add_(1);
    torch::nn::Conv2d convolution(1, 3, 3);
    const torch::Tensor before = convolution->forward(input);
    convolution->weight.add_(1);
    EXPECT_TRUE(convolution->forward(input).equal(before)) << "converted once";
  }
  const torch::Tensor changed = network->forward(input);
  EXPECT_FALSE(changed.equal(alone));
  const auto other = make_network(small("none"), 1, 3, 1);
  other->set_precision(Precision::kBf16);
  other->eval();
  for (const torch::Tensor& parameter : other->parameters()) parameter.add_(1);
  EXPECT_TRUE(other->forward(input).equal(changed));
  const Autocast of_fp32(Precision::kFp32, torch::kCPU);
  EXPECT_EQ(torch::mm(torch::ones({2, 2}), torch::ones({2, 2})).scalar_type(), torch::kFloat32);
}

// A rank without a slice takes part in every collective and leaves no gradient anywhere.
TEST(UNet, GivesNoGradientOnADummyRank) {
  const auto network = make_network(small("batch"), 1, 3, 1);
  int collectives = 0;
  network->group().all_reduce = [&](torch::Tensor& sums) {
    ++collectives;
    sums += 1;  // what another rank adds
  };
  network->group().dummy = true;
  const torch::Tensor logits = network->forward(images({1, 1, 8, 8}).to(torch::kFloat32));
  EXPECT_EQ(collectives, 10) << "two normalisations on each of five double convolutions";
  logits.backward(torch::zeros_like(logits));
  EXPECT_EQ(collectives, 20);
  for (const auto& item : network->named_parameters()) {
    EXPECT_EQ(item.value().grad().abs().max().item<double>(), 0) << item.key();
  }
}

}  // namespace
}  // namespace crossfade::model
