// What the tests of the loss share: batches, a call that returns value and gradient, and the formulas of docs/losses.md
// in plain tensor operations, for autograd to differentiate.
#pragma once

#include <torch/types.h>

#include <string>
#include <utility>
#include <vector>

#include "schedules/scheduled_loss.hpp"
#include "tests/device.hpp"

namespace crossfade::schedules::cases {

inline const AllReduce kAlone = [](torch::Tensor&) {};
inline const std::vector<double> kWeights = {0.05, 1.0, 2.5, 0.7, 4.0, 0.3};

struct Batch {
  torch::Tensor logits;  // [n, 6, 6, 7] float64
  torch::Tensor labels;  // uint8
};

/// Class 5 has no pixel anywhere, class 4 none in the first image.
inline Batch make_batch(std::int64_t images, std::uint64_t seed = 1) {
  const at::Generator generator = at::make_generator<at::CPUGeneratorImpl>(seed);
  const torch::Tensor logits = torch::randn({images, 6, 6, 7}, generator, torch::kFloat64) * 2;
  torch::Tensor labels = torch::randint(0, 5, {images, 6, 7}, generator, torch::kUInt8);
  labels[0].masked_fill_(labels[0] == 4, 0);
  return {logits, labels};
}

inline ScheduledLoss make_loss(const std::vector<std::pair<std::string, double>>& terms, LossOptions options = {},
                               int ranks = 1, AllReduce all_reduce = kAlone, std::vector<double> weights = kWeights) {
  std::vector<ScheduledTerm> scheduled;
  for (const auto& [term, weight] : terms) scheduled.push_back({term, constant(weight)});
  return {scheduled, std::move(weights), std::move(options), ranks, std::move(all_reduce)};
}

struct Evaluation {
  LossResult result;
  torch::Tensor gradient;  // on the CPU
};

/// On the tests' device.
inline Evaluation run(const ScheduledLoss& loss, const Batch& batch, double progress = 0, bool dummy = false) {
  const torch::Tensor logits = batch.logits.detach().to(tests::device(), /*non_blocking=*/false, /*copy=*/true);
  logits.requires_grad_();
  Evaluation evaluation{loss(logits, batch.labels.to(tests::device()), progress, dummy), {}};
  evaluation.result.total.backward();
  evaluation.gradient = logits.grad().cpu();
  return evaluation;
}

/// One term by its formula.
inline torch::Tensor reference(const std::string& term, const torch::Tensor& logits, const torch::Tensor& labels,
                               const LossOptions& options) {
  const torch::Tensor log_p = torch::log_softmax(logits, 1), p = log_p.exp();
  const torch::Tensor g = torch::one_hot(labels.to(torch::kInt64), 6).permute({0, 3, 1, 2}).to(torch::kFloat64);
  torch::Tensor w = torch::tensor(kWeights, torch::kFloat64);
  if (term == "wce") {
    const torch::Tensor omega = (g * w.view({1, -1, 1, 1})).sum(1), nll = -(g * log_p).sum(1);
    return options.normalise == "pixels" ? (omega * nll).mean() : (omega * nll).sum() / omega.sum();
  }
  if (term == "dice") w = torch::ones_like(w);
  const std::vector<std::int64_t> over =
      options.batch ? std::vector<std::int64_t>{0, 2, 3} : std::vector<std::int64_t>{2, 3};
  const auto sum = [&](const torch::Tensor& x) { return options.batch ? x.sum(over).unsqueeze(0) : x.sum(over); };
  const torch::Tensor overlap = sum(p * g), labelled = sum(g);
  const torch::Tensor mass = sum(options.squared_denominator ? p.square() : p);
  torch::Tensor weights = w.unsqueeze(0).expand_as(overlap).clone();
  if (!options.background) weights.select(1, 0).zero_();
  if (options.absent == "drop") weights = weights * (labelled > 0);
  const torch::Tensor dice = (2 * overlap + options.epsilon) / (mass + labelled + options.epsilon);
  return (1 - (weights * dice).sum(1) / weights.sum(1)).mean();
}

}  // namespace crossfade::schedules::cases
