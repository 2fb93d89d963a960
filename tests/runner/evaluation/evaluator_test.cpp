#include "runner/evaluation/evaluator.hpp"
#include "data/labels/structures.hpp"

#include <gmock/gmock.h>
#include <torch/types.h>

#include <cmath>

#include "data/shards/turned_shard.hpp"
#include "tests/data/small_shard.hpp"
#include "tests/runner/trial/small_trial.hpp"
#include "tests/runner/world_of_one.hpp"
#include "tests/temporary_folder.hpp"

namespace crossfade::runner {
namespace {

/// Says class 1 wherever a pixel is brighter than its volume's mean, class 0 elsewhere.
struct Threshold : model::Network {
  Threshold() { register_parameter("unused", torch::zeros({1})); }
  torch::Tensor compute(const torch::Tensor& images) override {
    torch::Tensor logits = torch::zeros({images.size(0), data::kClasses, images.size(2), images.size(3)});
    logits.select(1, 0) = 0.5;
    logits.select(1, 1) = (images.squeeze(1) > 0).to(torch::kFloat);
    return logits;
  }
  int divisor() const override { return 1; }
};

std::vector<data::Shard> shards(const TemporaryFolder& folder) {
  std::vector<data::Shard> result;
  for (const int tag : {1, 2}) {
    const auto file = folder.path / ("s" + std::to_string(tag) + ".h5");
    data::write_shard(file, block_shard("s" + std::to_string(tag), tag, 5));
    result.emplace_back(file);
  }
  return result;
}

/// The same counts pixel by pixel from the shard's contents.
analysis::Counts counted_by_hand(int tag, double mean) {
  const data::ShardContents contents = block_shard("", tag, 5);
  analysis::Counts counts(data::kClasses);
  for (std::size_t i = 0; i < contents.images.size(); ++i) {
    const std::size_t truth = contents.labels[i], said = contents.images[i] > mean ? 1 : 0;
    if (truth == said) {
      ++counts.true_positive[truth];
    } else {
      ++counts.false_positive[said];
      ++counts.false_negative[truth];
    }
  }
  return counts;
}

TEST(Evaluator, CountsEveryPixelOfEverySliceWhateverTheBatch) {
  const TemporaryFolder folder;
  const auto opened = shards(folder);
  Group group = group_of_one();
  Threshold network;
  for (const int batch : {1, 2, 5, 100}) {
    const auto subjects = evaluate(network, opened, group, batch);
    ASSERT_EQ(subjects.size(), 2U);
    for (std::size_t i = 0; i < 2; ++i) {
      EXPECT_EQ(subjects[i].subject, opened[i].info().subject);
      EXPECT_EQ(subjects[i].counts,
                counted_by_hand(static_cast<int>(i) + 1, opened[i].info().scans.front().channels[0].mean));
    }
  }
  EXPECT_FALSE(network.is_training());
}

TEST(Evaluator, PredictsTheVolumeInOrder) {
  const TemporaryFolder folder;
  const auto opened = shards(folder);
  group_of_one();
  Threshold network;
  const auto classes = predict(network, opened[0], torch::kCPU, 3);
  const data::ShardContents contents = block_shard("", 1, 5);
  ASSERT_EQ(classes.size(), contents.images.size());
  for (std::size_t i = 0; i < classes.size(); ++i) {
    ASSERT_EQ(classes[i], contents.images[i] > opened[0].info().scans.front().channels[0].mean ? 1 : 0) << i;
  }
}

TEST(Evaluator, MeasuresTheSurfacesOfWholeVolumes) {
  const TemporaryFolder folder;
  const auto opened = shards(folder);
  Group group = group_of_one();
  Threshold network;
  const VolumeScores scores =
      score_volumes(opened, group, [&](std::size_t s) { return predict(network, opened[s], torch::kCPU, 3); });
  const auto& subjects = scores.surfaces;
  ASSERT_EQ(subjects.size(), 2U);
  for (std::size_t i = 0; i < 2; ++i) {
    const data::ShardContents contents = block_shard("", static_cast<int>(i) + 1, 5);
    std::vector<std::uint8_t> said;
    for (const std::uint8_t value : contents.images)
      said.push_back(value > opened[i].info().scans[0].channels[0].mean ? 1 : 0);
    const auto expected =
        analysis::surface_scores({contents.labels, said, {kSide, kSide, 5}, {2, 2, 2}}, data::kClasses, 1);
    EXPECT_EQ(scores.counts.at(i).counts,
              counted_by_hand(static_cast<int>(i) + 1, opened[i].info().scans[0].channels[0].mean));
    EXPECT_EQ(subjects[i].subject, opened[i].info().subject);
    EXPECT_EQ(subjects[i].scores[1].hd95_mm, expected[1].hd95_mm);
    EXPECT_EQ(subjects[i].scores[1].nsd, expected[1].nsd);
    EXPECT_EQ(subjects[i].scores[1].volume_difference, expected[1].volume_difference);
    // Classes 2 and 3 are in the truth alone, 4 and up in neither.
    EXPECT_DOUBLE_EQ(subjects[i].scores[2].hd95_mm, std::hypot(2.0 * kSide, 2.0 * kSide, 2.0 * 5));
    EXPECT_EQ(subjects[i].scores[3].nsd, 0);
    EXPECT_TRUE(std::isnan(subjects[i].scores[4].hd95_mm));
  }
  const auto nothing = score_volumes(opened, group, background(opened)).surfaces;
  EXPECT_EQ(nothing[1].scores[1].volume_difference, -1);
  EXPECT_EQ(nothing[1].scores[1].nsd, 0);
}

TEST(Evaluator, ReadsLeftForRightInSagittalSlices) {
  struct SaysRightCortex : Threshold {
    torch::Tensor compute(const torch::Tensor& images) override {
      torch::Tensor logits = torch::zeros({images.size(0), data::kClasses, images.size(2), images.size(3)});
      logits.select(1, 4) = 1;
      return logits;
    }
  };
  const TemporaryFolder folder;
  const data::ShardContents axial = block_shard("s", 1, 4);
  data::write_shard(folder.path / "axial.h5", axial);
  data::write_shard(folder.path / "sagittal.h5", data::turned(axial, "sagittal"));
  SaysRightCortex network;
  constexpr std::uint8_t kLeftCortex = 2, kRightCortex = 4;
  EXPECT_THAT(predict(network, data::Shard(folder.path / "axial.h5"), torch::kCPU, 3), testing::Each(kRightCortex));
  EXPECT_THAT(predict(network, data::Shard(folder.path / "sagittal.h5"), torch::kCPU, 3), testing::Each(kLeftCortex));
}

TEST(Evaluator, BackgroundAloneScoresZeroInEveryStructureThatIsThere) {
  const TemporaryFolder folder;
  const auto opened = shards(folder);
  Group group = group_of_one();
  for (const auto& subject : count_volumes(opened, group, data::LabelKind::kManual, background(opened))) {
    EXPECT_EQ(analysis::mean_dice(subject.counts).mean, 0);
    EXPECT_EQ(analysis::mean_dice(subject.counts).left_out, 24);  // three of the 27 structures are there
    std::int64_t pixels = 0;
    for (std::size_t c = 0; c < data::kClasses; ++c) {
      pixels += subject.counts.true_positive[c] + subject.counts.false_negative[c];
    }
    EXPECT_EQ(pixels, 5 * kSide * kSide);
  }
}

}  // namespace
}  // namespace crossfade::runner
