#include "runner/trial/atlas_trial.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "analysis/scores/dice.hpp"
#include "data/cohorts/cohort.hpp"
#include "runner/ranks/agreement.hpp"
#include "runner/trial/registration_cache.hpp"
#include "tests/data/small_shard.hpp"
#include "tests/runner/trial/small_trial.hpp"
#include "tests/runner/world_of_one.hpp"
#include "tests/temporary_folder.hpp"

namespace crossfade::runner {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::Each;
using testing::Gt;
using testing::HasSubstr;
using testing::SizeIs;
using testing::ThrowsMessage;

data::CohortSpec phantoms(int subjects, int size) {
  data::CohortSpec spec;
  spec.subjects = subjects;
  spec.size = size;
  return spec;
}

/// Phantom heads at 8 mm: three atlases and two targets, made once.
const fs::path& heads() {
  static const TemporaryFolder folder;
  static const bool made = [] {
    data::prepare_cohort(data::open_cohort(phantoms(5, 32)), data::hash_cohort(data::open_cohort(phantoms(5, 32))),
                         folder.path, 2, [](int, int, const std::string&) {});
    return true;
  }();
  return made ? folder.path : folder.path;
}

const std::string kHash(64, 'a');

class AtlasTrial : public testing::Test {
 protected:
  AtlasTrial() {
    config_.method = "atlas";
    config_.atlas.fusion = "majority";
    config_.atlas.registration = {.affine_iterations = 50,
                                  .affine_levels = 1,
                                  .deformable_iterations = 30,
                                  .deformable_levels = 1,
                                  .control_spacing_mm = 40,
                                  .samples = 1000};
    StageOptions stage;
    stage.name = "finetune";
    config_.stages = {stage};
    data_.train = data::open_shards(heads(), {"phantom-001", "phantom-002", "phantom-003"});
    data_.test = data::open_shards(heads(), {"phantom-004", "phantom-005"});
  }

  TrialOutcome run(Heard& heard, int stop_after = -1) {
    return run_atlases(config_, kHash, data_, group_, folder_.path / "registrations", 1, heard.events(stop_after));
  }
  std::vector<fs::path> made() const {
    std::vector<fs::path> folders;
    for (const auto& entry : fs::directory_iterator(folder_.path / "registrations"))
      if (entry.is_directory()) folders.push_back(entry.path());
    return folders;
  }

  TemporaryFolder folder_;
  Group group_ = group_of_one();
  TrialConfig config_;
  StageData data_;
};

std::vector<std::uint8_t> labels_of(const data::Shard& shard) {
  std::vector<std::uint8_t> labels(shard.info().grid.voxels());
  shard.read(0, shard.info().slices_per_scan(), {}, labels);
  return labels;
}

TEST_F(AtlasTrial, ScoresTheFusionOfItsRegisteredAtlases) {
  Heard heard;
  ASSERT_EQ(run(heard), TrialOutcome::kFinished);
  EXPECT_THAT(made(), SizeIs(6));
  ASSERT_FALSE(heard.steps.empty());
  EXPECT_EQ(heard.steps.back().step, 6);
  EXPECT_TRUE(heard.epochs.empty());
  ASSERT_THAT(heard.stages, SizeIs(1));
  const analysis::StageResult& result = heard.stages.front();
  ASSERT_THAT(result.test, SizeIs(2));
  EXPECT_THAT(result.seconds, AllOf(SizeIs(2), Each(Gt(0))));
  EXPECT_EQ(result.best_dice, analysis::mean_over_subjects(result.test));

  const RegistrationCache cache(folder_.path / "registrations", config_.atlas.registration, config_.seed);
  for (std::size_t s = 0; s < 2; ++s) {
    std::vector<model::WarpedAtlas> registered;
    for (const data::Shard& atlas : data_.train)
      registered.push_back(cache.read({&data_.test[s], &atlas, 0}, data::LabelKind::kManual).volumes);
    const auto truth = labels_of(data_.test[s]);
    EXPECT_EQ(result.test[s].counts, analysis::count(truth, model::majority_vote(registered), 28));
  }

  const auto run_asked = [&](Heard& again, const std::function<bool()>& stop) {
    TrialEvents events = again.events();
    events.stop_requested = stop;
    return run_atlases(config_, kHash, data_, group_, folder_.path / "registrations", 1, events);
  };
  int asked = 0;
  Heard counted, stopped;
  run_asked(counted, [&] {
    ++asked;
    return false;
  });
  ASSERT_THAT(counted.stages, SizeIs(1));
  const auto stop_at_last = [last = asked, n = 0]() mutable { return ++n == last; };
  EXPECT_EQ(run_asked(stopped, stop_at_last), TrialOutcome::kInterrupted) << "before the second volume is scored";
  EXPECT_TRUE(stopped.stages.empty());
}

TEST_F(AtlasTrial, SharesRegistrationsWithOtherFusionsAndSeedsTheirsAlone) {
  Heard majority, staple, joint, other;
  run(majority);
  config_.atlas.fusion = "staple";
  run(staple);
  config_.atlas.fusion = "joint";
  config_.atlas.joint = {.patch_radius = 1, .search_radius = 0};
  run(joint);
  EXPECT_THAT(made(), SizeIs(6));
  EXPECT_TRUE(staple.steps.empty() && joint.steps.empty()) << "nothing was registered again";
  EXPECT_NE(staple.stages[0].test[0].counts, majority.stages[0].test[0].counts);
  EXPECT_NE(joint.stages[0].test[0].counts, majority.stages[0].test[0].counts);
  config_.seed = 2;
  data_.test.pop_back();
  run(other);
  EXPECT_THAT(made(), SizeIs(9));
}

TEST_F(AtlasTrial, GoesOnFromTheRegistrationsThatItMade) {
  Heard before, after;
  ASSERT_EQ(run(before, 2), TrialOutcome::kInterrupted);
  const std::size_t there = made().size();
  EXPECT_GE(there, 2U);
  EXPECT_LT(there, 6U);
  EXPECT_TRUE(before.stages.empty());
  // As a killed process leaves it: begun, and not whole.
  const fs::path half = folder_.path / "registrations" / (made().front().filename().string() + ".0123.partial");
  fs::create_directories(half);
  ASSERT_EQ(run(after), TrialOutcome::kFinished);
  EXPECT_GT(after.steps.front().step, static_cast<std::int64_t>(there));
  EXPECT_EQ(after.steps.back().step, 6);
}

TEST_F(AtlasTrial, IsTheSameWithSeveralThreads) {
  Heard one, three;
  config_.atlas.fusion = "joint";
  config_.atlas.joint = {.patch_radius = 1, .search_radius = 1};
  data_.test.pop_back();
  run(one);
  EXPECT_EQ(run_atlases(config_, kHash, data_, group_, folder_.path / "others", 3, three.events()),
            TrialOutcome::kFinished);
  EXPECT_EQ(three.stages[0].test[0].counts, one.stages[0].test[0].counts);
}

TEST_F(AtlasTrial, StopsInTheFusion) {
  Heard heard;
  config_.atlas.fusion = "joint";
  data_.test.pop_back();
  TrialEvents events = heard.events();
  events.stop_requested = [this] {
    const auto whole = [](const fs::path& made) { return made.extension().empty(); };
    return fs::exists(folder_.path / "registrations") && std::ranges::count_if(made(), whole) == 3;
  };
  EXPECT_EQ(run_atlases(config_, kHash, data_, group_, folder_.path / "registrations", 1, events),
            TrialOutcome::kInterrupted);
  EXPECT_TRUE(heard.stages.empty());
}

TEST_F(AtlasTrial, RefusesAtlasesWithoutLabels) {
  Heard heard;
  config_.stages[0].labels = "automatic";
  EXPECT_THAT([&] { run(heard); },
              ThrowsMessage<AgreedError>(AllOf(HasSubstr("phantom-001.h5"), HasSubstr("has no automatic labels"))));
  config_.stages[0].labels = "manual";
  data::ShardContents blank;
  blank.info = data_.train[0].info();
  blank.info.subject = "blank";
  blank.images.resize(blank.info.grid.voxels());
  blank.labels.resize(blank.info.grid.voxels());
  blank.original_labels = data_.train[0].original_labels();
  data::write_shard(folder_.path / "blank.h5", blank);
  data_.train.push_back(data::Shard(folder_.path / "blank.h5"));
  EXPECT_THAT([&] { run(heard); },
              ThrowsMessage<AgreedError>(AllOf(HasSubstr("blank.h5"), HasSubstr("has no voxel of any structure"))));
}

TEST_F(AtlasTrial, RefusesAtlasesOfAnotherVoxelSize) {
  TemporaryFolder finer;
  data::prepare_cohort(data::open_cohort(phantoms(1, 64)), data::hash_cohort(data::open_cohort(phantoms(1, 64))),
                       finer.path, 1, [](int, int, const std::string&) {});
  data_.train = data::open_shards(finer.path, {"phantom-001"});
  Heard heard;
  EXPECT_THAT([&] { run(heard); }, ThrowsMessage<AgreedError>(HasSubstr("have voxels of different sizes")));
}

/// Turned about the z axis by `angle` in radians.
data::Geometry turned_grid(data::Geometry grid, double angle) {
  for (std::size_t column = 0; column < 4; ++column) {
    const double x = grid.affine[0][column], y = grid.affine[1][column];
    grid.affine[0][column] = std::cos(angle) * x - std::sin(angle) * y;
    grid.affine[1][column] = std::sin(angle) * x + std::cos(angle) * y;
  }
  return grid;
}

// The lengths of turned axes have rounding errors: at some angles they are 8 mm but for the last digit.
TEST_F(AtlasTrial, TakesObliqueAtlasesOfTheSameVoxelSize) {
  const data::Shard& straight = data_.train[1];
  data::ShardContents turned;
  turned.info = straight.info();
  turned.info.subject = "turned";
  const data::Geometry& grid = straight.info().grid;
  for (double angle = 0.01; angle < 0.2 && turned.info.grid.spacing() == grid.spacing(); angle += 0.01)
    turned.info.grid = turned_grid(grid, angle);
  ASSERT_NE(turned.info.grid.spacing(), grid.spacing());
  turned.images.resize(turned.info.grid.voxels());
  turned.labels.resize(turned.info.grid.voxels());
  straight.read(0, straight.info().slices_per_scan(), turned.images, turned.labels);
  turned.original_labels = straight.original_labels();
  data::write_shard(folder_.path / "turned.h5", turned);
  data_.train.push_back(data::Shard(folder_.path / "turned.h5"));
  data_.test.pop_back();
  Heard heard;
  EXPECT_EQ(run(heard), TrialOutcome::kFinished);
}

// A front half of an atlas that nobody has judged, as an id of ignore leaves it.
TEST_F(AtlasTrial, FusesAtlasesThatAreNotJudgedEverywhere) {
  const data::Shard& whole = data_.train[2];
  data::ShardContents half;
  half.info = whole.info();
  half.info.subject = "half";
  half.info.own_classes.ignore = "255";
  half.images.resize(half.info.grid.voxels());
  half.labels.resize(half.info.grid.voxels());
  whole.read(0, whole.info().slices_per_scan(), half.images, half.labels);
  for (std::size_t v = 0; v < half.labels.size(); ++v)
    if (v / 32 % 32 < 16) half.labels[v] = data::kIgnored;
  half.original_labels = whole.original_labels();
  data::write_shard(folder_.path / "half.h5", half);
  data_.train[2] = data::Shard(folder_.path / "half.h5");
  data_.test.pop_back();
  for (const char* fusion : {"majority", "staple", "joint"}) {
    config_.atlas.fusion = fusion;
    config_.atlas.joint = {.patch_radius = 1, .search_radius = 0};
    Heard heard;
    EXPECT_EQ(run(heard), TrialOutcome::kFinished) << fusion;
    EXPECT_GT(heard.stages.at(0).best_dice, 0.1) << fusion;
  }
}

TEST_F(AtlasTrial, NamesARegistrationThatIsDamaged) {
  Heard heard;
  data_.test.pop_back();
  run(heard);
  const fs::path file = made().front() / "manual.nii.gz";
  fs::resize_file(file, fs::file_size(file) / 2);
  EXPECT_THAT([&] { run(heard); }, ThrowsMessage<AgreedError>(HasSubstr(file.string())));
  std::ofstream(made().front() / "registration.json") << "{";
  EXPECT_THAT([&] { run(heard); }, ThrowsMessage<AgreedError>(HasSubstr("registration.json")));
}

}  // namespace
}  // namespace crossfade::runner
