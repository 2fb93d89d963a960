#include "schedules/scheduled_loss.hpp"

#include <gmock/gmock.h>
#include <torch/serialize.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tests/schedules/loss_cases.hpp"
#include "tests/temporary_folder.hpp"
#include "tests/thread_group.hpp"

namespace crossfade::schedules {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using tests::relative_difference;

const std::vector<std::pair<std::string, double>> kAllTerms = {{"wce", 0.5}, {"wdice", 2}, {"dice", 1}};

template <class Call>
std::string refusal(const Call& call) {
  try {
    call();
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "accepted";
}

// Two classes, 2×2 pixels, logits (0, z) with e^z = 1, 3, 1/3, 4: the probability of class 1 is 1/2, 3/4, 1/4, 4/5.
// Labels 0, 1, 0, 1; class weights 1 and 3.
//   nll        ln 2, ln 4/3, ln 4/3, ln 5/4
//   wce        (1·ln 2 + 3·ln 4/3 + 1·ln 4/3 + 3·ln 5/4) / (1 + 3 + 1 + 3)            = 0.314163265...
//   class 0    overlap 1/2 + 3/4 = 1.25, mass 1/2 + 1/4 + 3/4 + 1/5 = 1.7, labelled 2: 2.50001 / 3.70001 =
//   0.675676552... class 1    overlap 3/4 + 4/5 = 1.55, mass 4 − 1.7 = 2.3, labelled 2:               3.10001 / 4.30001
//   = 0.720930881... wdice      1 − (1·0.675676552 + 3·0.720930881) / 4                                 =
//   0.290382701... dice       1 − (0.675676552 + 0.720930881) / 2                                     = 0.301696283...
TEST(ScheduledLoss, GivesTheValuesWorkedByHand) {
  cases::Batch batch{torch::zeros({1, 2, 2, 2}, torch::kFloat64),
                     torch::tensor({0, 1, 0, 1}, torch::kUInt8).view({1, 2, 2})};
  batch.logits[0][1] = torch::tensor({0.0, std::log(3.0), -std::log(3.0), std::log(4.0)}, torch::kFloat64).view({2, 2});
  const ScheduledLoss loss = cases::make_loss({{"wce", 1}, {"wdice", 10}, {"dice", 100}}, {}, 1, cases::kAlone, {1, 3});
  const LossResult result = loss(batch.logits, batch.labels, 0);
  const double wce = 0.3141632655387122, wdice = 0.2903827007765493, dice = 0.3016962831091881;
  EXPECT_NEAR(result.terms[0], wce, 1e-12);
  EXPECT_NEAR(result.terms[1], wdice, 1e-12);
  EXPECT_NEAR(result.terms[2], dice, 1e-12);
  EXPECT_NEAR(result.value, wce + 10 * wdice + 100 * dice, 1e-10);
  EXPECT_EQ(result.total.item<double>(), result.value);
}

// Central differences with h = 1e-5: truncation h² and rounding 1e-16 / h stay below 1e-9 of gradients near 1e-3.
TEST(ScheduledLoss, HasTheGradientOfFiniteDifferences) {
  const cases::Batch batch = cases::make_batch(2);
  for (const bool whole_batch : {true, false}) {
    LossOptions options;
    options.batch = whole_batch;
    options.squared_denominator = !whole_batch;
    const ScheduledLoss loss = cases::make_loss(kAllTerms, options);
    const torch::Tensor gradient = cases::run(loss, batch).gradient.contiguous().flatten();
    for (std::int64_t at = 0; at < batch.logits.numel(); at += 17) {
      const double h = 1e-5;
      torch::Tensor above = batch.logits.clone(), below = batch.logits.clone();
      above.view(-1)[at] += h;
      below.view(-1)[at] -= h;
      const double slope = (loss(above, batch.labels, 0).value - loss(below, batch.labels, 0).value) / (2 * h);
      EXPECT_NEAR(gradient[at].item<double>(), slope, 1e-9) << "element " << at;
    }
  }
}

/// Holds values and gradients of the batch against MONAI's and torch's own, in Python, on the same tensors. In float32
/// both round; 1e-5 is what the project promises.
void expect_as_monai_and_torch(const TemporaryFolder& folder, const cases::Batch& batch,
                               const std::vector<double>& weights) {
  c10::Dict<std::string, torch::Tensor> out;
  out.insert("logits", batch.logits);
  out.insert("labels", batch.labels.to(torch::kInt64));
  out.insert("weights", torch::tensor(weights, torch::kFloat64));
  const std::vector<char> bytes = torch::pickle_save(out);
  std::ofstream(folder / "in.pt", std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  const std::string command = std::string(CROSSFADE_PYTHON) + " " + MONAI_LOSSES + " " + folder.path.string();
  ASSERT_EQ(std::system(command.c_str()), 0) << command;

  // One line a case: dtype, background, batch, squared, normalise; wce, wdice, dice; then its gradient's file.
  std::ifstream lines(folder / "out.txt");
  std::string dtype, normalise, file;
  LossOptions options;
  std::vector<double> expected(3);
  int cases_seen = 0;
  while (lines >> dtype >> options.background >> options.batch >> options.squared_denominator >> normalise >>
         expected[0] >> expected[1] >> expected[2] >> file) {
    ++cases_seen;
    options.normalise = normalise;
    const bool wide = dtype == "float64";
    const cases::Batch typed{batch.logits.to(wide ? torch::kFloat64 : torch::kFloat32), batch.labels};
    const auto [result, gradient] = cases::run(cases::make_loss(kAllTerms, options, 1, cases::kAlone, weights), typed);
    for (std::size_t term = 0; term < 3; ++term) {
      EXPECT_NEAR(result.terms[term], expected[term], wide ? 1e-12 : 1e-5) << file << " term " << term;
    }
    std::ifstream stored(folder / file, std::ios::binary);
    const std::vector<char> content((std::istreambuf_iterator<char>(stored)), std::istreambuf_iterator<char>());
    EXPECT_LT(relative_difference(gradient, torch::pickle_load(content).toTensor()), wide ? 1e-12 : 1e-5) << file;
  }
  EXPECT_EQ(cases_seen, 32);
}

TEST(ScheduledLoss, AgreesWithMonaiAndTorch) {
  const TemporaryFolder folder;
  expect_as_monai_and_torch(folder, cases::make_batch(3), cases::kWeights);
}

// Labels that people drew, and logits of a net that is mostly right.
TEST(ScheduledLoss, AgreesWithMonaiAndTorchOnRealLabels) {
  if (!std::filesystem::exists(CROSSFADE_HIPPOCAMPUS)) GTEST_SKIP() << "no scans of the hippocampus beside the project";
  const TemporaryFolder folder;
  const std::string command = std::string(CROSSFADE_PYTHON) + " " + HIPPOCAMPUS_LABELS + " " + CROSSFADE_HIPPOCAMPUS +
                              " " + folder.path.string();
  ASSERT_EQ(std::system(command.c_str()), 0) << command;
  std::ifstream stored(folder / "labels.pt", std::ios::binary);
  const std::vector<char> content((std::istreambuf_iterator<char>(stored)), std::istreambuf_iterator<char>());
  const torch::Tensor labels = torch::pickle_load(content).toTensor();
  ASSERT_EQ(labels.max().item<std::int64_t>(), 2);
  const at::Generator generator = at::make_generator<at::CPUGeneratorImpl>(5);
  const torch::Tensor noise = torch::randn({16, 3, 32, 32}, generator, torch::kFloat64);
  const torch::Tensor logits = 2 * noise + 3 * torch::one_hot(labels, 3).movedim(-1, 1);
  expect_as_monai_and_torch(folder, {logits, labels.to(torch::kUInt8)}, {0.1, 1, 1.3});
}

TEST(ScheduledLoss, WeighsItsTermsByProgress) {
  const std::vector<ScheduledTerm> paper = {{"wce", {"step", {{0, 1}, {0.7, 0}}}},
                                            {"wdice", {"step", {{0, 0}, {0.4, 1}}}}};
  const ScheduledLoss loss(paper, cases::kWeights, {}, 1, cases::kAlone);
  const cases::Batch batch = cases::make_batch(2);
  const auto sum_phase = cases::run(loss, batch, 0.5);
  EXPECT_THAT(sum_phase.result.weights, ElementsAre(1, 1));
  EXPECT_NEAR(sum_phase.result.value, sum_phase.result.terms[0] + sum_phase.result.terms[1], 1e-15);

  // A term of weight 0 is still evaluated, and adds nothing to the gradient.
  const auto last_phase = cases::run(loss, batch, 0.7);
  EXPECT_THAT(last_phase.result.weights, ElementsAre(0, 1));
  EXPECT_EQ(last_phase.result.terms, sum_phase.result.terms);
  EXPECT_EQ(last_phase.result.value, last_phase.result.terms[1]);
  EXPECT_TRUE(last_phase.gradient.equal(cases::run(cases::make_loss({{"wdice", 1}}), batch).gradient));
  EXPECT_THAT(switch_points(paper), ElementsAre(0.4, 0.7));
}

// The last columns ignored, against a batch that never had them: the sums of the rest are the same numbers.
TEST(ScheduledLoss, TakesIgnoredPixelsOutOfValueAndGradient) {
  const cases::Batch whole = cases::make_batch(2);
  const std::int64_t kept = 4;
  const cases::Batch narrow{whole.logits.narrow(3, 0, kept).contiguous(), whole.labels.narrow(2, 0, kept).contiguous()};
  cases::Batch ignoring{whole.logits, whole.labels.clone()};
  ignoring.labels.narrow(2, kept, 7 - kept).fill_(255);
  for (const bool whole_batch : {true, false}) {
    for (const char* divisor : {"weights", "pixels"}) {
      LossOptions options;
      options.batch = whole_batch;
      options.normalise = divisor;
      const ScheduledLoss loss = cases::make_loss({{"wce_boundary", 0.5}, {"wdice", 2}, {"dice", 1}}, options);
      const auto expected = cases::run(loss, narrow), found = cases::run(loss, ignoring);
      // Sums of the same numbers in another order.
      EXPECT_NEAR(found.result.value, expected.result.value, 1e-12);
      EXPECT_LT(relative_difference(found.gradient.narrow(3, 0, kept), expected.gradient), 1e-12);
      EXPECT_EQ(found.gradient.narrow(3, kept, 7 - kept).abs().max().item<double>(), 0);
    }
  }
  ignoring.labels.fill_(255);
  const auto nothing = cases::run(cases::make_loss(kAllTerms, {.absent = "drop"}), ignoring);
  EXPECT_EQ(nothing.result.value, 0);
  EXPECT_EQ(nothing.gradient.abs().max().item<double>(), 0);
}

TEST(ScheduledLoss, DoesNotDependOnMemoryFormatOrLabelType) {
  const ScheduledLoss loss = cases::make_loss(kAllTerms);
  const cases::Batch batch = cases::make_batch(3);
  const auto plain = cases::run(loss, batch);
  const auto last = cases::run(loss, {batch.logits.contiguous(torch::MemoryFormat::ChannelsLast), batch.labels});
  const auto wide = cases::run(loss, {batch.logits, batch.labels.to(torch::kInt64)});
  for (const auto* other : {&last, &wide}) {
    EXPECT_EQ(other->result.value, plain.result.value);
    EXPECT_TRUE(other->gradient.equal(plain.gradient));
  }
  EXPECT_TRUE(last.gradient.is_contiguous(torch::MemoryFormat::ChannelsLast));
}

TEST(ScheduledLoss, FollowsAFactorOnItsTotal) {
  const ScheduledLoss loss = cases::make_loss(kAllTerms);
  const cases::Batch batch = cases::make_batch(2);
  const torch::Tensor logits = batch.logits.clone().requires_grad_();
  (3 * loss(logits, batch.labels, 0).total).backward();
  EXPECT_LT(relative_difference(logits.grad(), 3 * cases::run(loss, batch).gradient), 1e-15);
}

TEST(ScheduledLoss, GivesTheSameWhereNoLabelThatMayBeIgnoredIs) {
  const cases::Batch batch = cases::make_batch(3);
  for (const bool whole_batch : {true, false}) {
    LossOptions options;
    options.batch = whole_batch;
    const ScheduledLoss loss = cases::make_loss({{"wce_boundary", 0.5}, {"wdice", 2}, {"dice", 0}}, options);
    const auto expected = cases::run(loss, batch);
    const torch::Tensor logits = batch.logits.to(tests::device(), false, /*copy=*/true).requires_grad_();
    const torch::Tensor weights = torch::tensor(loss.weights(0), torch::kFloat64).to(tests::device());
    const LossTensors found =
        loss.evaluate(logits, batch.labels.to(tests::device()), {loss.weights(0), weights}, {.ignores = true});
    found.total.backward();
    const torch::Tensor values = found.values.cpu();
    EXPECT_EQ(values[0].item<double>(), expected.result.value);
    for (std::int64_t t = 0; t < 3; ++t)
      EXPECT_EQ(values[t + 1].item<double>(), expected.result.terms[static_cast<std::size_t>(t)]);
    EXPECT_TRUE(logits.grad().cpu().equal(expected.gradient));
  }
}

// Tensors of the device "meta" have shapes and no values: asking it for one throws.
TEST(ScheduledLoss, AsksADeviceForNothing) {
  for (const bool whole_batch : {true, false}) {
    for (const bool dummy : {false, true}) {
      LossOptions options;
      options.batch = whole_batch;
      options.absent = "drop";
      options.normalise = "pixels";
      const ScheduledLoss loss = cases::make_loss({{"wce_boundary", 1}, {"wdice", 1}, {"dice", 0}}, options);
      const torch::Tensor logits = torch::empty({2, 6, 8, 8}, torch::device(torch::kMeta)).requires_grad_();
      const torch::Tensor labels = torch::empty({2, 8, 8}, torch::device(torch::kMeta).dtype(torch::kUInt8));
      ASSERT_ANY_THROW(labels.max().item<int>());
      const torch::Tensor weights = torch::empty({3}, torch::device(torch::kMeta).dtype(torch::kFloat64));
      const LossTensors found =
          loss.evaluate(logits, labels, {loss.weights(0), weights}, {.ignores = true, .dummy = dummy});
      found.total.backward();
      EXPECT_EQ(found.values.sizes(), (std::vector<std::int64_t>{4}));
      EXPECT_EQ(logits.grad().sizes(), logits.sizes());
    }
  }
}

TEST(ScheduledLoss, IsEvaluatedWithoutAGraphWhereNoGradientIsAskedFor) {
  const ScheduledLoss loss = cases::make_loss(kAllTerms);
  const cases::Batch batch = cases::make_batch(2);
  const auto with_gradient = cases::run(loss, batch);
  const torch::NoGradGuard no_grad;
  const LossResult result = loss(batch.logits.clone().requires_grad_(), batch.labels, 0);
  EXPECT_FALSE(result.total.requires_grad());
  EXPECT_EQ(result.value, with_gradient.result.value);
}

TEST(ScheduledLoss, IsNotFiniteIfAnyLogitIsNot) {
  for (const double bad : {std::nan(""), HUGE_VAL, -HUGE_VAL}) {
    cases::Batch batch = cases::make_batch(2);
    batch.logits[1][5][2][3] = bad;  // a class that no label has
    const auto [result, gradient] = cases::run(cases::make_loss({{"wce", 1}, {"wdice", 0}, {"dice", 0}}), batch);
    EXPECT_FALSE(std::isfinite(result.value));
    for (const double term : result.terms) EXPECT_FALSE(std::isfinite(term));
    EXPECT_FALSE(std::isfinite(result.total.item<double>()));
  }
}

TEST(ScheduledLoss, RefusesABatchThatItCannotRead) {
  const ScheduledLoss loss = cases::make_loss(kAllTerms);
  const cases::Batch good = cases::make_batch(2);
  const auto with = [&](const torch::Tensor& logits, const torch::Tensor& labels) {
    return refusal([&] { loss(logits, labels, 0); });
  };
  EXPECT_EQ(with(good.logits, good.labels), "accepted");
  torch::Tensor labels = good.labels.clone();
  labels[1][2][3] = 6;
  EXPECT_THAT(with(good.logits, labels), HasSubstr("label 6 is out of range, labels go from 0 to 5"));
  labels[0][0][0] = 255;  // ignored, and no excuse for the other
  EXPECT_THAT(with(good.logits, labels), HasSubstr("label 6 is out of range, labels go from 0 to 5"));
  torch::Tensor negative = good.labels.to(torch::kInt64);
  negative[0][0][0] = -1;
  EXPECT_THAT(with(good.logits, negative), HasSubstr("label -1 is out of range"));
  EXPECT_THAT(with(good.logits.slice(1, 0, 4), good.labels), HasSubstr("[n, 6, H, W]"));
  EXPECT_THAT(with(good.logits.slice(0, 0, 0), good.labels.slice(0, 0, 0)), HasSubstr("not empty"));
  EXPECT_THAT(with(good.logits, good.labels.slice(1, 0, 3)), HasSubstr("like logits"));
  EXPECT_THAT(with(good.logits.to(torch::kFloat16), good.labels), HasSubstr("float32, float64 or bfloat16"));
  EXPECT_THAT(with(good.logits, good.labels.to(torch::kInt32)), HasSubstr("uint8 or int64"));
}

// The logits of both are the same, rounded to bfloat16; the gradient is rounded to 2^-9 of itself at most.
TEST(ScheduledLoss, TakesLogitsOfBfloat16AndMayTakeTheirMemory) {
  const cases::Batch batch = cases::make_batch(2);
  const ScheduledLoss loss = cases::make_loss({{"wce", 1}, {"wdice", 1}});
  const torch::Tensor rounded =
      batch.logits.to(tests::device(), torch::kBFloat16).contiguous(torch::MemoryFormat::ChannelsLast);
  const torch::Tensor labels = batch.labels.to(tests::device());
  const auto gradient = [&](torch::ScalarType type, bool consume) {
    const torch::Tensor leaf = rounded.to(torch::kFloat32, false, /*copy=*/true).requires_grad_();
    const LossResult result = loss(leaf.to(type, false, /*copy=*/true), labels, 0, false, consume);
    EXPECT_EQ(result.total.scalar_type(), torch::kFloat32);
    result.total.backward();
    return leaf.grad();
  };
  const torch::Tensor expected = gradient(torch::kFloat32, false);
  EXPECT_TRUE(gradient(torch::kFloat32, true).equal(expected));
  EXPECT_LT(tests::relative_difference(gradient(torch::kBFloat16, false), expected), 1 / 512.0);
  EXPECT_TRUE(gradient(torch::kBFloat16, true).equal(gradient(torch::kBFloat16, false)));
}

TEST(ScheduledLoss, RefusesAScheduleThatMakesNoSense) {
  const auto with = [](std::vector<ScheduledTerm> terms, std::vector<double> weights = cases::kWeights) {
    return refusal([&] { ScheduledLoss(std::move(terms), std::move(weights), {}, 1, cases::kAlone); });
  };
  EXPECT_EQ(with({{"wce", constant(1)}}), "accepted");
  EXPECT_THAT(with({}), HasSubstr("no terms"));
  EXPECT_THAT(with({{"hinge", constant(1)}}), HasSubstr("unknown term 'hinge'; known: wce, wce_boundary, wdice, dice"));
  EXPECT_THAT(with({{"wce", constant(1)}, {"wce", constant(2)}}), HasSubstr("'wce' is named twice"));
  EXPECT_THAT(with({{"wce", constant(-1)}}), HasSubstr("term 'wce': curve:"));
  EXPECT_THAT(with({{"wce", constant(1)}}, {1, -2}), HasSubstr("of class 1 must be finite and not negative"));
  EXPECT_THAT(with({{"wce", constant(1)}}, {}), HasSubstr("no class weights"));
}

}  // namespace
}  // namespace crossfade::schedules
