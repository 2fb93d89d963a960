// The global batch cut among ranks, played by threads: same value on all, and gradients whose mean over ranks is that
// of the whole batch.
#include <gtest/gtest.h>

#include "tests/schedules/loss_cases.hpp"
#include "tests/thread_group.hpp"

namespace crossfade::schedules {
namespace {

using tests::relative_difference;
using tests::ThreadGroup;

struct Part {
  std::int64_t first, last;  // no images: a dummy
};

std::vector<cases::Evaluation> run_ranks(const cases::Batch& batch, const std::vector<Part>& parts,
                                         const LossOptions& options) {
  ThreadGroup group(static_cast<int>(parts.size()));
  std::vector<cases::Evaluation> results(parts.size());
  group.run([&](int rank) {
    const ScheduledLoss loss =
        cases::make_loss({{"wce", 0.5}, {"wdice", 2}, {"dice", 1}}, options, static_cast<int>(parts.size()),
                         [&group, rank](torch::Tensor& sums) { group.all_reduce(rank, sums); });
    const Part& part = parts[static_cast<std::size_t>(rank)];
    const bool dummy = part.first == part.last;
    const cases::Batch own = dummy ? cases::make_batch(1, 99)
                                   : cases::Batch{batch.logits.slice(0, part.first, part.last),
                                                  batch.labels.slice(0, part.first, part.last)};
    results[static_cast<std::size_t>(rank)] = cases::run(loss, own, 0, dummy);
  });
  for (int rank = 0; rank < static_cast<int>(parts.size()); ++rank) {
    EXPECT_EQ(group.calls(rank), 1) << "one all-reduce forward, none backward; rank " << rank;
  }
  return results;
}

// 1e-12: float64, only the order of a few additions differs.
TEST(LossOnRanks, EqualsTheWholeBatchTimesTheRanks) {
  const cases::Batch batch = cases::make_batch(5);
  for (const bool whole_batch : {true, false}) {
    for (const char* absent : {"keep", "drop"}) {
      LossOptions options;
      options.batch = whole_batch;
      options.absent = absent;
      const auto alone = cases::run(cases::make_loss({{"wce", 0.5}, {"wdice", 2}, {"dice", 1}}, options), batch);
      const std::vector<std::vector<Part>> splits = {
          {{0, 3}, {3, 5}}, {{0, 1}, {1, 4}, {4, 5}}, {{0, 2}, {2, 2}, {2, 5}}};  // the last one with a dummy
      for (const auto& parts : splits) {
        const auto ranks = static_cast<double>(parts.size());
        const auto results = run_ranks(batch, parts, options);
        for (std::size_t rank = 0; rank < parts.size(); ++rank) {
          const auto& [result, gradient] = results[rank];
          EXPECT_NEAR(result.value, alone.result.value, 1e-12);
          EXPECT_EQ(result.terms, results[0].result.terms) << "all ranks log the same numbers";
          if (parts[rank].first == parts[rank].last) {
            EXPECT_EQ(gradient.sizes(), (std::vector<std::int64_t>{1, 6, 6, 7}));
            EXPECT_EQ(gradient.abs().max().item<double>(), 0);
          } else {
            const torch::Tensor expected = alone.gradient.slice(0, parts[rank].first, parts[rank].last);
            EXPECT_LT(relative_difference(gradient / ranks, expected), 1e-12);
          }
        }
      }
    }
  }
}

TEST(LossOnRanks, IsBitIdenticalWhenRepeated) {
  const cases::Batch batch = cases::make_batch(5);
  const std::vector<Part> parts = {{0, 2}, {2, 3}, {3, 5}};
  const auto first = run_ranks(batch, parts, {}), second = run_ranks(batch, parts, {});
  for (std::size_t rank = 0; rank < parts.size(); ++rank) {
    EXPECT_EQ(first[rank].result.value, second[rank].result.value);
    EXPECT_TRUE(first[rank].gradient.equal(second[rank].gradient));
  }
}

}  // namespace
}  // namespace crossfade::schedules
