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

// Worked by hand: 5 x 5 pixels, an L of class 1 in class 0,
//     0 0 0 0 0
//     0 1 0 0 0
//     0 1 0 0 0
//     0 1 1 0 0
//     0 0 0 0 0
// Of class 1 all four pixels, (1,1), (2,1), (3,1), (3,2), lie on the boundary. Of class 0 those are (0,1); (1,0),
// (1,2); (2,0), (2,2); (3,0), (3,3); (4,1), (4,2): nine. The other twelve are inside.
TEST(BoundaryCrossEntropy, WeighsPixelsBesideAnotherLabelAsWorkedByHand) {
  torch::Tensor labels = torch::zeros({1, 5, 5}, torch::kUInt8);
  for (const auto& [row, column] : {std::pair{1, 1}, {2, 1}, {3, 1}, {3, 2}}) labels[0][row][column] = 1;
  // The pixel at (3,3) is right by e^2 : 1, all others are undecided: nll is log(1 + e^-2) there, log 2 elsewhere.
  torch::Tensor logits = torch::zeros({1, 2, 5, 5}, torch::kFloat64);
  logits[0][0][3][3] = 2;
  const double undecided = std::log(2.0), right = std::log1p(std::exp(-2.0));
  // Class weights 0.5 and 3: w_0 = 2·3 = 6, so 12 pixels weigh 0.5, nine 6.5 (one of them is (3,3)) and four 9.
  const std::vector<double> weights = {0.5, 3};
  const double sum = 12 * 0.5 + 9 * 6.5 + 4 * 9;
  const auto [result, gradient] =
      cases::run(cases::make_loss({{"wce_boundary", 1}}, {}, 1, cases::kAlone, weights), {logits, labels});
  EXPECT_NEAR(result.value, ((sum - 6.5) * undecided + 6.5 * right) / sum, 1e-14);
  EXPECT_NEAR(gradient[0][0][0][0].item<double>(), 0.5 * (0.5 - 1) / sum, 1e-14);  // ω (p − g) / Σω, inside
  EXPECT_NEAR(gradient[0][1][3][1].item<double>(), 9 * (0.5 - 1) / sum, 1e-14);    // on the boundary, of class 1

  LossOptions fixed;
  fixed.boundary_weight = 2;  // 12 pixels weigh 0.5, nine 2.5 and four 5
  const auto [with_two, unused] =
      cases::run(cases::make_loss({{"wce_boundary", 1}}, fixed, 1, cases::kAlone, weights), {logits, labels});
  const double less = 12 * 0.5 + 9 * 2.5 + 4 * 5;
  EXPECT_NEAR(with_two.value, ((less - 2.5) * undecided + 2.5 * right) / less, 1e-14);
}

// Neighbours in other images of the batch, and beyond the border, are no neighbours.
TEST(BoundaryCrossEntropy, OfImagesOfOneClassEachIsWce) {
  cases::Batch batch = cases::make_batch(3);
  batch.labels[0].fill_(1);
  batch.labels[1].fill_(2);
  batch.labels[2].fill_(3);
  const auto [result, gradient] = cases::run(cases::make_loss({{"wce_boundary", 1}, {"wce", 0}}), batch);
  EXPECT_DOUBLE_EQ(result.terms[0], result.terms[1]);
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
    // The mean of 0 and 2e4; tensor operations round the product with the class weight to the dtype, 6e-8 in float32.
    if (tests::device().is_cpu() || dtype == torch::kFloat64) {
      EXPECT_DOUBLE_EQ(result.terms[0], 1e4);
    } else {
      EXPECT_NEAR(result.terms[0], 1e4, 1e4 * 6e-8);
    }
    EXPECT_TRUE(std::isfinite(result.value));
    EXPECT_TRUE(torch::isfinite(gradient).all().item<bool>());
    // Of the wrong pixel p − g is exactly −1 at its label; softmax and with it the gradient of Dice is flat there.
    EXPECT_NEAR(gradient[0][3][0][1].item<double>(), -0.5, 1e-6);
    EXPECT_NEAR(gradient[0][2][0][1].item<double>(), 0.5, 1e-6);
  }
}

}  // namespace
}  // namespace crossfade::schedules
