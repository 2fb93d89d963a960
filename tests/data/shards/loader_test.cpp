#include "data/shards/loader.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <set>

#include "data/shards/class_weights.hpp"
#include "tests/data/small_shard.hpp"
#include "tests/temporary_folder.hpp"

namespace crossfade::data {
namespace {

/// Two shards of 2 scans x 4 slices, opened.
class LoaderOverShards : public testing::Test {
 protected:
  TemporaryFolder folder;
  std::vector<ShardContents> contents;
  std::vector<Shard> shards;

  LoaderOverShards() {
    for (const unsigned tag : {1U, 2U}) {
      contents.push_back(small_shard("subject-" + std::to_string(tag), tag));
      const auto file = folder.path / (contents.back().info.subject + ".h5");
      write_shard(file, contents.back());
      shards.emplace_back(file);
    }
  }

  std::vector<SliceRef> all() const {
    std::vector<SliceRef> slices;
    for (int s = 0; s < 2; ++s)
      for (int n = 0; n < 8; ++n) slices.push_back({s, n});
    return slices;
  }

  /// All batches of an epoch for each of `ranks` ranks, from global batch `first_step` on.
  std::vector<std::vector<Batch>> epoch_of(int ranks, LoaderOptions options, std::uint32_t epoch,
                                           int first_step = 0) const {
    std::vector<std::vector<Batch>> batches;
    for (int rank = 0; rank < ranks; ++rank) {
      options.rank = rank;
      options.ranks = ranks;
      Loader loader(shards, all(), options);
      loader.start(epoch, first_step);
      batches.emplace_back();
      while (auto batch = loader.next()) batches.back().push_back(std::move(*batch));
    }
    return batches;
  }
};

const AugmentationOptions kAll{0.1, 0.3, 0.3, 0.1, 10, 0.1, 4};

/// Each global batch as one, the parts of the ranks one after another.
std::vector<Batch> joined(const std::vector<std::vector<Batch>>& ranks) {
  std::vector<Batch> whole = ranks[0];
  for (std::size_t rank = 1; rank < ranks.size(); ++rank) {
    EXPECT_EQ(ranks[rank].size(), whole.size());
    for (std::size_t b = 0; b < whole.size(); ++b) {
      const Batch& part = ranks[rank][b];
      EXPECT_EQ(part.global_count, whole[b].global_count);
      whole[b].count += part.count;
      whole[b].images.insert(whole[b].images.end(), part.images.begin(), part.images.end());
      whole[b].labels.insert(whole[b].labels.end(), part.labels.begin(), part.labels.end());
    }
  }
  return whole;
}

void expect_equal(const std::vector<Batch>& a, const std::vector<Batch>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    EXPECT_EQ(a[i].count, b[i].count) << "batch " << i;
    EXPECT_EQ(a[i].images, b[i].images) << "batch " << i;
    EXPECT_EQ(a[i].labels, b[i].labels) << "batch " << i;
  }
}

TEST(LoaderParts, AreContiguousAndDifferByAtMostOne) {
  for (int count = 0; count < 20; ++count)
    for (int ranks = 1; ranks < 8; ++ranks) {
      int next = 0;
      for (int rank = 0; rank < ranks; ++rank) {
        const Part part = part_of(count, rank, ranks);
        EXPECT_EQ(part.first, next);
        EXPECT_TRUE(part.count == count / ranks || part.count == count / ranks + 1);
        EXPECT_LE(part.count, part_of(count, std::max(rank - 1, 0), ranks).count);
        next += part.count;
      }
      EXPECT_EQ(next, count);
    }
}

TEST(LoaderSteps, RoundUp) {
  EXPECT_EQ(steps_per_epoch(0, 4), 0);
  EXPECT_EQ(steps_per_epoch(1, 4), 1);
  EXPECT_EQ(steps_per_epoch(8, 4), 2);
  EXPECT_EQ(steps_per_epoch(9, 4), 3);
}

TEST_F(LoaderOverShards, NormalisesASliceByItsScan) {
  for (const SliceRef ref : all()) {
    Loader loader(shards, {ref}, {.batch = 3});
    loader.start(0);
    const std::optional<Batch> batch = loader.next();
    ASSERT_TRUE(batch.has_value());
    ASSERT_EQ(batch->count, 1);
    const ShardContents& from = contents[static_cast<std::size_t>(ref.shard)];
    const auto slice = static_cast<std::size_t>(ref.slice);
    // Mean and sd of the scan's voxels above 0, anew.
    double n = 0, sum = 0, squares = 0;
    for (std::size_t p = slice / 4 * 4 * 48; p < (slice / 4 + 1) * 4 * 48; ++p)
      if (const double value = from.images[p]; value > 0) {
        n += 1;
        sum += value;
        squares += value * value;
      }
    const double mean = sum / n, sd = std::sqrt(squares / n - mean * mean);
    for (std::size_t p = 0; p < 48; ++p) {
      EXPECT_NEAR(batch->images[p], (from.images[slice * 48 + p] - mean) / sd, 1e-5);  // float
      EXPECT_EQ(batch->labels[p], from.labels[slice * 48 + p]);
    }
  }
}

TEST_F(LoaderOverShards, ShowsEverySliceOncePerEpochInAnotherOrder) {
  const auto first = joined(epoch_of(1, {.batch = 5, .seed = 3}, 0));
  const auto second = joined(epoch_of(1, {.batch = 5, .seed = 3}, 1));
  std::set<std::vector<std::uint8_t>> expected, shown;
  for (const ShardContents& c : contents)
    for (auto slice = c.images.begin(); slice != c.images.end(); slice += 48) expected.insert({slice, slice + 48});
  ASSERT_EQ(expected.size(), 16U);
  std::multiset<std::vector<float>> in_first, in_second;
  std::vector<float> order_first, order_second;
  for (const auto& [batches, set, order] :
       {std::tuple{&first, &in_first, &order_first}, {&second, &in_second, &order_second}})
    for (const Batch& batch : *batches)
      for (auto slice = batch.images.begin(); slice != batch.images.end(); slice += 48) {
        set->insert({slice, slice + 48});
        order->push_back(*slice);
      }
  EXPECT_EQ(std::set(in_first.begin(), in_first.end()).size(), 16U);
  EXPECT_EQ(in_first, in_second);
  EXPECT_NE(order_first, order_second);
}

TEST_F(LoaderOverShards, GivesTheSameEpochOnAnyNumberOfRanksAndThreads) {
  // 16 slices in batches of 7: the last has 2, fewer than 3 and 4 ranks, and 7 divides by none of 2, 3, 4.
  LoaderOptions options{.batch = 7, .seed = 5, .stage = 1};
  options.augmentation = kAll;
  const auto alone = joined(epoch_of(1, options, 2));
  ASSERT_EQ(alone.size(), 3U);
  EXPECT_EQ(alone[2].global_count, 2);
  for (int ranks = 2; ranks <= 4; ++ranks) {
    SCOPED_TRACE(ranks);
    const auto parts = epoch_of(ranks, options, 2);
    EXPECT_EQ(parts.back()[2].count, ranks == 2 ? 1 : 0) << "the last batch leaves some ranks without a slice";
    expect_equal(joined(parts), alone);
  }
  for (const int threads : {2, 4}) {
    SCOPED_TRACE(threads);
    options.threads = threads;
    options.prefetch = threads - 1;
    expect_equal(joined(epoch_of(2, options, 2)), alone);
  }
}

TEST_F(LoaderOverShards, GoesOnInTheMiddleOfAnEpochAsIfNothingHadHappened) {
  LoaderOptions options{.batch = 3, .threads = 2, .seed = 5};
  options.augmentation = kAll;
  auto whole = joined(epoch_of(2, options, 4));
  for (int first = 0; first <= 6; ++first) {
    SCOPED_TRACE(first);
    expect_equal(joined(epoch_of(3, options, 4, first)), {whole.begin() + first, whole.end()});
  }
}

TEST_F(LoaderOverShards, AugmentsAnewInEveryEpochAndStage) {
  LoaderOptions options{.batch = 16, .seed = 5};
  options.augmentation = {.noise = 0.1};
  const auto sorted = [&](std::uint32_t stage, std::uint32_t epoch) {
    options.stage = stage;
    auto labels_then_images = joined(epoch_of(1, options, epoch))[0].images;
    std::sort(labels_then_images.begin(), labels_then_images.end());
    return labels_then_images;
  };
  EXPECT_NE(sorted(0, 0), sorted(0, 1));
  EXPECT_NE(sorted(0, 1), sorted(1, 0));
  EXPECT_EQ(sorted(1, 1), sorted(1, 1));
}

TEST_F(LoaderOverShards, MayStartAgainAtAnyTimeAndEndWithBatchesUnread) {
  LoaderOptions options{.batch = 2, .threads = 3, .prefetch = 2, .seed = 5};
  const auto expected = joined(epoch_of(1, options, 1));
  Loader loader(shards, all(), options);
  EXPECT_FALSE(loader.next().has_value()) << "before the first start";
  for (int taken = 0; taken < 8; ++taken) {
    loader.start(0);
    for (int i = 0; i < taken; ++i) EXPECT_TRUE(loader.next().has_value());
    loader.start(1);
    std::vector<Batch> batches;
    while (auto batch = loader.next()) batches.push_back(std::move(*batch));
    expect_equal(batches, expected);
    EXPECT_FALSE(loader.next().has_value()) << "after the end";
  }
  loader.start(2);  // and goes away in the midst of it
}

TEST_F(LoaderOverShards, PassesOnTheErrorOfABackgroundThread) {
  const auto file = shards[1].file();
  const auto size = static_cast<std::size_t>(std::filesystem::file_size(file));
  {
    std::fstream stream(file, std::ios::binary | std::ios::in | std::ios::out);
    stream.seekp(200);
    stream << std::string(size - 200, '\x55');
  }
  Loader loader(shards, all(), {.batch = 1, .threads = 2});
  const auto names_the_dataset = testing::ThrowsMessage<std::runtime_error>(
      testing::AllOf(testing::HasSubstr(file.string()), testing::HasSubstr("dataset 'images'")));
  std::set<int> served_before_it;
  for (std::uint32_t epoch = 0; epoch < 20; ++epoch) {
    loader.start(epoch);
    int served = 0;
    try {
      while (loader.next()) ++served;
      FAIL() << "a slice of a damaged shard was served";
    } catch (const std::runtime_error&) {
      served_before_it.insert(served);
    }
    EXPECT_THAT([&] { loader.next(); }, names_the_dataset) << "and again";
    EXPECT_LE(served, 8) << "the slices of the whole shard";
  }
  EXPECT_GT(served_before_it.size(), 1U) << "each epoch serves what comes before the first damaged slice";
}

TEST_F(LoaderOverShards, RefusesSlicesThatAreNotThere) {
  EXPECT_THROW(Loader(shards, {{2, 0}}, {}), std::invalid_argument);
  EXPECT_THROW(Loader(shards, {{0, 8}}, {}), std::invalid_argument);
  EXPECT_THROW(Loader(shards, all(), {.rank = 2, .ranks = 2}), std::invalid_argument);
  Loader loader(shards, all(), {.batch = 4});
  EXPECT_THROW(loader.start(0, 5), std::invalid_argument);
}

TEST_F(LoaderOverShards, OfNoSlicesHasNoSteps) {
  Loader loader(shards, {}, {});
  EXPECT_EQ(loader.steps(), 0);
  loader.start(0);
  EXPECT_FALSE(loader.next().has_value());
}

TEST(LoaderSlices, OfTrainingAreAllLabelledAndATenthOfTheRestOfEveryScan) {
  const TemporaryFolder folder;
  std::vector<Shard> shards;
  for (const char* name : {"a", "b"}) {
    ShardContents contents = small_shard(name, 1, 40);
    std::fill(contents.labels.begin(), contents.labels.end(), std::uint8_t{0});
    for (const std::size_t labelled : {0U, 7U, 39U}) contents.labels[labelled * 48 + 5] = 3;  // of scan 0 only
    write_shard(folder.path / (std::string(name) + ".h5"), contents);
    shards.emplace_back(folder.path / (std::string(name) + ".h5"));
  }
  const auto slices = training_slices(shards, 1);
  std::array<std::array<std::set<int>, 2>, 2> chosen;
  for (const SliceRef& ref : slices)
    EXPECT_TRUE(chosen[static_cast<std::size_t>(ref.shard)][static_cast<std::size_t>(ref.slice / 40)]
                    .insert(ref.slice % 40)
                    .second);
  for (const auto& scans : chosen) {
    for (const int labelled : {0, 7, 39}) EXPECT_TRUE(scans[0].contains(labelled));
    EXPECT_EQ(scans[0].size(), 3U + 4U);  // a tenth of 37, rounded
    EXPECT_EQ(scans[1].size(), 4U);       // a tenth of 40
  }
  EXPECT_NE(chosen[0][1], chosen[1][1]) << "subjects draw slices of their own";

  const auto slices_of = [&](int scan) { return training_slices(shards, 1, LabelKind::kManual, {scan, 1}); };
  EXPECT_EQ(slices_of(0).size(), 2 * 7U);
  EXPECT_EQ(slices_of(1).size(), 2 * 4U);
  for (const int scan : {0, 1})
    for (const SliceRef& ref : slices_of(scan)) EXPECT_EQ(ref.slice / 40, scan) << "scans that are not the stage's";
  const std::vector<double> of_first = median_frequency_weights(shards, 0, LabelKind::kManual, {0, 1});
  EXPECT_GT(of_first[3], 0);
  EXPECT_EQ(median_frequency_weights(shards, 0, LabelKind::kManual, {1, 1})[3], 0) << "scan 1 has none";

  const auto same = [](const std::vector<SliceRef>& a, const std::vector<SliceRef>& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](const SliceRef& x, const SliceRef& y) { return x.shard == y.shard && x.slice == y.slice; });
  };
  EXPECT_TRUE(same(training_slices(shards, 1), slices));
  EXPECT_FALSE(same(training_slices(shards, 2), slices));
}

TEST_F(LoaderOverShards, CutsEachSliceToASquareOfImageAndLabelsAlikeOnAnyNumberOfRanks) {
  // Both epochs in one order, whole and cut: a square must be found in its own slice, at one place for both.
  LoaderOptions options{.batch = 3, .seed = 5};
  const std::vector<Batch> whole = epoch_of(1, options, 2)[0];
  options.crop = 4;
  const std::vector<Batch> cut = epoch_of(1, options, 2)[0];
  expect_equal(joined(epoch_of(2, options, 2)), cut);
  std::set<std::pair<int, int>> places;
  for (std::size_t b = 0; b < whole.size(); ++b) {
    ASSERT_EQ(cut[b].height, 4);
    ASSERT_EQ(cut[b].width, 4);
    ASSERT_EQ(cut[b].images.size(), static_cast<std::size_t>(cut[b].count) * 16);
    for (int i = 0; i < cut[b].count; ++i) {
      int found = 0;
      for (int y = 0; y <= 8 - 4; ++y)
        for (int x = 0; x <= 6 - 4; ++x) {
          bool same = true;
          for (int row = 0; row < 4; ++row)
            for (int column = 0; column < 4; ++column) {
              const auto small = static_cast<std::size_t>((i * 4 + row) * 4 + column);
              const auto large = static_cast<std::size_t>((i * 8 + y + row) * 6 + x + column);
              same = same && cut[b].images[small] == whole[b].images[large] &&
                     cut[b].labels[small] == whole[b].labels[large];
            }
          if (!same) continue;
          ++found;
          places.emplace(x, y);
        }
      EXPECT_EQ(found, 1) << "batch " << b << ", slice " << i;
    }
  }
  EXPECT_GT(places.size(), 3U) << "the place is to vary";
}

TEST_F(LoaderOverShards, RefusesSquaresLargerThanASlice) {
  EXPECT_THROW(Loader(shards, all(), {.crop = 7}), std::invalid_argument);
}

TEST(TrainingSlices, TakeATenthOfTheUnlabelledAlsoWhereAScanIsOneSlice) {
  const TemporaryFolder folder;
  std::vector<Shard> shards;
  for (int n = 0; n < 300; ++n) {
    ShardContents contents = small_shard("s" + std::to_string(n), 1, 1);
    std::fill(contents.labels.begin(), contents.labels.end(), std::uint8_t{0});
    contents.labels[0] = n < 100 ? 1 : 0;
    contents.info.scans.resize(1);
    contents.images.resize(48);
    contents.labels.resize(48);
    write_shard(folder.path / (contents.info.subject + ".h5"), contents);
    shards.emplace_back(folder.path / (contents.info.subject + ".h5"));
  }
  const auto chosen = static_cast<double>(training_slices(shards, 1).size());
  EXPECT_NEAR(chosen, 100 + 20, 5 * std::sqrt(200 * 0.1 * 0.9)) << "five standard deviations";
  EXPECT_EQ(training_slices(shards, 1).size(), training_slices(shards, 1).size());
}

}  // namespace
}  // namespace crossfade::data
