#include <gtest/gtest.h>

#include "tests/schedules/loss_cases.hpp"
#include "tests/thread_group.hpp"

namespace crossfade::schedules {
namespace {

using tests::relative_difference;

// Every combination of the options of Dice, value and gradient. 1e-12: float64 sums of about a thousand numbers.
TEST(Dice, MatchesPlainTensorOperationsForAllOptions) {
  const cases::Batch batch = cases::make_batch(3);
  for (int mask = 0; mask < 32; ++mask) {
    LossOptions options;
    options.background = (mask & 1) == 0;
    options.batch = (mask & 2) == 0;
    options.squared_denominator = (mask & 4) != 0;
    options.absent = (mask & 8) != 0 ? "drop" : "keep";
    options.epsilon = (mask & 16) != 0 ? 1.0 : 1e-5;
    for (const char* term : {"wdice", "dice"}) {
      const auto [result, gradient] = cases::run(cases::make_loss({{term, 0.7}}, options), batch);
      const torch::Tensor logits = batch.logits.clone().requires_grad_();
      const torch::Tensor expected = cases::reference(term, logits, batch.labels, options);
      (0.7 * expected).backward();
      EXPECT_NEAR(result.terms[0], expected.item<double>(), 1e-12) << term << ", options " << mask;
      EXPECT_LT(relative_difference(gradient, logits.grad()), 1e-12) << term << ", options " << mask;
    }
  }
}

// All pixels are background and only foreground counts: there is no class to take the mean over.
TEST(Dice, IsZeroWithZeroGradientWhereNoClassCounts) {
  cases::Batch batch = cases::make_batch(2);
  batch.labels.zero_();
  for (const bool whole_batch : {true, false}) {
    LossOptions options;
    options.background = false;
    options.absent = "drop";
    options.batch = whole_batch;
    const auto [result, gradient] = cases::run(cases::make_loss({{"wdice", 1}, {"dice", 1}}, options), batch);
    EXPECT_EQ(result.value, 0);
    EXPECT_EQ(gradient.abs().max().item<double>(), 0);
  }
}

// A perfect prediction has Dice 1 in every class, absent ones included (ε / ε).
TEST(Dice, IsZeroForAPerfectPrediction) {
  cases::Batch batch = cases::make_batch(2);
  const torch::Tensor truth = torch::one_hot(batch.labels.to(torch::kInt64), 6).permute({0, 3, 1, 2});
  batch.logits = truth.to(torch::kFloat64) * 1e4;
  const auto [result, gradient] = cases::run(cases::make_loss({{"wdice", 1}, {"dice", 1}}), batch);
  EXPECT_NEAR(result.terms[0], 0, 1e-15);
  EXPECT_NEAR(result.terms[1], 0, 1e-15);
}

}  // namespace
}  // namespace crossfade::schedules
