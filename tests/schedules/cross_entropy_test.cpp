#include <gtest/gtest.h>

#include <cmath>

#include "tests/schedules/loss_cases.hpp"
#include "tests/thread_group.hpp"

namespace crossfade::schedules {
namespace {

using tests::relative_difference;

// 1e-12: both sides are float64 sums of about a thousand numbers (rounding 1e-16 each).
TEST(WeightedCrossEntropy, MatchesPlainTensorOperationsForEitherDivisor) {
  const cases::Batch batch = cases::make_batch(3);
  for (const char* normalise : {"weights", "pixels"}) {
    LossOptions options;
    options.normalise = normalise;
    const auto [result, gradient] = cases::run(cases::make_loss({{"wce", 1.5}}, options), batch);
    const torch::Tensor logits = batch.logits.clone().requires_grad_();
    const torch::Tensor expected = cases::reference("wce", logits, batch.labels, options);
    (1.5 * expected).backward();
    EXPECT_NEAR(result.terms[0], expected.item<double>(), 1e-12) << normalise;
    EXPECT_NEAR(result.value, 1.5 * expected.item<double>(), 1e-12) << normalise;
    EXPECT_LT(relative_difference(gradient, logits.grad()), 1e-12) << normalise;
  }
}

TEST(WeightedCrossEntropy, IsZeroWithZeroGradientWhereAllPixelsHaveWeightZero) {
  const cases::Batch batch = cases::make_batch(2);
  const std::vector<double> only_absent = {0, 0, 0, 0, 0, 1};
  const auto [result, gradient] = cases::run(cases::make_loss({{"wce", 1}}, {}, 1, cases::kAlone, only_absent), batch);
  EXPECT_EQ(result.value, 0);
  EXPECT_EQ(gradient.abs().max().item<double>(), 0);
}

// All logits but one are −1e4; where that one is the label the loss is 0, elsewhere 2e4.
TEST(WeightedCrossEntropy, IsExactForLogitsOfTenThousand) {
  for (const auto dtype : {torch::kFloat32, torch::kFloat64}) {
    cases::Batch batch{torch::full({1, 6, 1, 2}, -1e4, dtype), torch::tensor({3, 3}, torch::kUInt8).view({1, 1, 2})};
    batch.logits[0][3][0][0] = 1e4;
    batch.logits[0][2][0][1] = 1e4;
    const auto [result, gradient] = cases::run(cases::make_loss({{"wce", 1}, {"wdice", 1}, {"dice", 1}}), batch);
    EXPECT_DOUBLE_EQ(result.terms[0], 1e4);  // the mean of 0 and 2e4
    EXPECT_TRUE(std::isfinite(result.value));
    EXPECT_TRUE(torch::isfinite(gradient).all().item<bool>());
    // Of the wrong pixel p − g is exactly −1 at its label; softmax and with it the gradient of Dice is flat there.
    EXPECT_NEAR(gradient[0][3][0][1].item<double>(), -0.5, 1e-6);
    EXPECT_NEAR(gradient[0][2][0][1].item<double>(), 0.5, 1e-6);
  }
}

}  // namespace
}  // namespace crossfade::schedules
