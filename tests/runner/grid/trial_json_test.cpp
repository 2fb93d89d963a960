#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

#include "tests/runner/grid/grid_file.hpp"

namespace crossfade::runner {
namespace {

const std::vector<std::pair<std::string, std::string>> kHashes = {{"phantom", "0123456789abcdef"}};

std::string hash_of(const std::string& text, const std::vector<std::string>& overrides = {}) {
  const Study study = study_of(text, overrides);
  return stage_hashes(study.trials[0], study, kHashes).back();
}

TEST(TrialJson, HasEveryOptionWithItsValueAndSortedKeys) {
  const Study study = study_of(kValidGrid);
  const std::string text = to_json(study.trials[0]);
  const auto json = nlohmann::json::parse(text);
  EXPECT_EQ(json.dump(), text);  // nlohmann::json sorts keys
  EXPECT_EQ(json["variant"], "A");
  EXPECT_EQ(json["seed"], 1);
  EXPECT_EQ(json["stages"][0]["optimizer"]["lr"], 0.01);
  EXPECT_EQ(json["stages"][0]["optimizer"]["beta2"], 0.999);  // a default
  EXPECT_EQ(json["stages"][0]["loss"][0]["term"], "wce");
  EXPECT_EQ(json["stages"][0]["loss"][0]["points"][0][1], 1);
  EXPECT_EQ(json["stages"][0]["name"], "pretrain");
  EXPECT_EQ(json["stages"][0]["augmentation"]["noise"], 0);
  EXPECT_FALSE(json.contains("run"));
}

TEST(TrialHash, IsSha256InHexadecimal) {
  EXPECT_EQ(hash_of(kValidGrid).size(), 64u);
  EXPECT_EQ(hash_of(kValidGrid).find_first_not_of("0123456789abcdef"), std::string::npos);
}

TEST(TrialHash, IsTheSameForTheSameTrial) {
  const std::string hash = hash_of(kValidGrid);
  EXPECT_EQ(hash_of(kValidGrid, {"optimizer.lr=0.010"}), hash);  // another spelling
  EXPECT_EQ(hash_of(changed(kValidGrid, "  A:", "  renamed:")), hash);
  EXPECT_EQ(hash_of(kValidGrid, {"run.threads=2"}), hash);
  EXPECT_EQ(hash_of(kValidGrid, {"optimizer.name=adam"}), hash);  // a default said
  EXPECT_EQ(hash_of(kValidGrid, {"precision=fp32"}), hash);
  EXPECT_EQ(hash_of(kValidGrid, {"seeds=[1, 2]"}), hash);  // more trials beside it
  EXPECT_EQ(hash_of(kValidGrid, {"caption=other"}), hash);
}

TEST(TrialHash, DiffersWithAnythingThatMakesAnotherTrial) {
  const std::string hash = hash_of(kValidGrid);
  for (const char* change :
       {"optimizer.lr=0.02", "seeds=[2]", "stages.pretrain.epochs=3", "model.width=8", "variants.A.loss.wce=2",
        "loss_options.background=false", "stages.pretrain.augmentation.noise=0.1", "precision=bf16",
        "cohorts.phantom.split={train: 1, validation: 2, test: 1}", "cohorts.phantom.seed=2"})
    EXPECT_NE(hash_of(kValidGrid, {change}), hash) << change;
  const Study study = study_of(kValidGrid);
  EXPECT_NE(stage_hashes(study.trials[0], study, {{"phantom", "another"}}).back(), hash);
}

TEST(TrialHash, OfAtlasesDependsOnNothingThatNetsAreMadeOf) {
  const std::string grid = changed(kValidGrid, "{loss: {wce: 1}}", "{method: atlas}");
  const std::string hash = hash_of(grid);
  EXPECT_NE(hash, hash_of(kValidGrid));
  for (const char* change : {"optimizer.lr=0.02", "model.width=8", "stages.pretrain.epochs=3"})
    EXPECT_EQ(hash_of(grid, {std::string("defaults.") + change}), hash) << change;
  for (const char* change :
       {"variants.A.atlas.fusion=staple", "variants.A.atlas.registration.bins=16", "variants.A.atlas.joint.alpha=1",
        "seeds=[2]", "stages.pretrain.train_subjects=1", "cohorts.phantom.split={train: 1, validation: 2, test: 1}"})
    EXPECT_NE(hash_of(grid, {change}), hash) << change;
}

TEST(TrialHash, OfAStageDoesNotDependOnLaterOnes) {
  const std::string stages = "pretrain: {cohort: phantom, epochs: 2}";
  const auto hashes = [&](const std::string& more) {
    const Study study = study_of(changed(kValidGrid, stages, stages + more));
    return stage_hashes(study.trials[0], study, kHashes);
  };
  const auto alone = hashes(""), tuned = hashes("\n    finetune: {cohort: phantom, epochs: 1}");
  const auto longer = hashes("\n    finetune: {cohort: phantom, epochs: 2}");
  ASSERT_EQ(alone.size(), 1u);
  ASSERT_EQ(tuned.size(), 2u);
  EXPECT_EQ(tuned[0], alone[0]);
  EXPECT_EQ(longer[0], alone[0]);
  EXPECT_NE(tuned[1], longer[1]);
  EXPECT_NE(tuned[1], alone[0]);
}

TEST(TrialHash, OfABeginningDependsOnWhatItsStepsDo) {
  const auto beginning = [](const std::vector<std::string>& overrides) {
    const Study study = study_of(kValidGrid, overrides);
    return beginning_hashes(study.trials[0], study, kHashes).back();
  };
  const std::string hash = beginning({});
  for (const char* same : {"variants.A.loss.wce=2", "stages.pretrain.patience=1", "stages.pretrain.test=phantom"})
    EXPECT_EQ(beginning({same}), hash) << same;
  for (const char* other : {"optimizer.lr=0.02", "seeds=[2]", "stages.pretrain.epochs=3", "model.width=8"})
    EXPECT_NE(beginning({other}), hash) << other;
}

TEST(TrialHash, NetsAreTheSameWhoeverVotesWithThem) {
  const auto hashes = [&](const std::string& views) {
    const Study study =
        study_of(kValidGrid, views.empty() ? std::vector<std::string>{} : std::vector{"views=" + views});
    return stage_hashes(study.trials[0], study, kHashes);
  };
  const auto alone = hashes(""), three = hashes("{axial: 0.4, coronal: 0.4, sagittal: 0.2}");
  const auto other = hashes("{axial: 0.5, coronal: 0.3, sagittal: 0.2}"), two = hashes("{coronal: 1}");
  ASSERT_EQ(alone.size(), 1U);
  ASSERT_EQ(three.size(), 4U);  // a net a plane, and the vote
  ASSERT_EQ(two.size(), 3U);
  EXPECT_EQ(std::set<std::string>(three.begin(), three.end()).size(), 4U);
  EXPECT_EQ(three[0], alone[0]);
  EXPECT_EQ(two[1], three[1]);
  EXPECT_TRUE(std::equal(three.begin(), three.begin() + 3, other.begin()));
  EXPECT_NE(three[3], other[3]) << "other weights, another vote";
}

TEST(TrialHash, RefusesACohortWithoutHash) {
  const Study study = study_of(kValidGrid);
  EXPECT_THROW(stage_hashes(study.trials[0], study, {}), std::invalid_argument);
}

}  // namespace
}  // namespace crossfade::runner
