#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "analysis/figures/figure2.hpp"
#include "analysis/tables/report.hpp"
#include "data/anatomy/label_bias.hpp"
#include "data/anatomy/synthesis.hpp"
#include "data/labels/label_table.hpp"
#include "tests/analysis/study.hpp"

namespace crossfade::analysis {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

TrialRecord two_stages(const std::string& variant, std::uint64_t seed) {
  TrialRecord trial = trial_record(variant, seed);
  trial.stages.push_back({.name = "finetune",
                          .hash = trial.hash + " tuned",
                          .cohort = "phantom",
                          .labels = "manual",
                          .epochs = 1,
                          .switches = {}});
  return trial;
}

/// Structure c with Dice 2 tp / (2 tp + fp), all others in neither volume.
SubjectCounts scored(const std::string& subject, std::size_t c, std::int64_t tp, std::int64_t fp) {
  SubjectCounts s{subject, no_counts()};
  s.counts.true_positive[c] = tp;
  s.counts.false_positive[c] = fp;
  return s;
}

void record(ResultsDatabase& db, std::int64_t id, int stage, const std::vector<SubjectCounts>& test) {
  db.record_stage(id,
                  {.stage = stage, .best_epoch = 1, .best_dice = 0.5, .stopped = "", .validation = test, .test = test});
}

class Structures : public testing::Test {
 protected:
  TemporaryFolder folder;
  std::filesystem::path file = folder / "r.sqlite";
  nlohmann::json table(const std::string& variant = {}, const std::string& than = {}) {
    return nlohmann::json::parse(render_structures({file}, "json", {}, variant, than));
  }
};

// By hand: structure 11 of two subjects and two seeds. Before: a has 0.5 and 0.25, so 0.375; b has 1 and 0.5, so 0.75.
// After: a 0.5 and 0.5; b 1 and 1. Differences 0.125 and 0.25, both above 0: p = 2 · 1/4.
TEST_F(Structures, ArePairedBySubjectAfterTheMeanOverSeeds) {
  ResultsDatabase db(file);
  const auto ids =
      db.begin(study_record(), provenance(), {trial_record("plain", 1), two_stages("v", 1), two_stages("v", 2)});
  record(db, ids[0].id, 0, {scored("a", 11, 1, 0), scored("b", 11, 1, 0)});
  db.set_finished(ids[0].id);
  for (const int seed : {1, 2}) {
    const std::int64_t id = ids[static_cast<std::size_t>(seed)].id;
    record(db, id, 0, {scored("a", 11, 1, seed == 1 ? 2 : 6), scored("b", 11, 1, seed == 1 ? 0 : 2)});
    record(db, id, 1, {scored("a", 11, 1, 2), scored("b", 11, 1, 0)});
    db.set_finished(id);
  }
  const auto found = table();
  EXPECT_EQ(found["variant"], "v") << "the first that was fine-tuned";
  EXPECT_EQ(found["subjects"], 2);
  ASSERT_EQ(found["structures"].size(), 27u);
  const auto& first = found["structures"][0];
  EXPECT_EQ(first["structure"], "Left-Pallidum");
  EXPECT_DOUBLE_EQ(first["pretrained_dice"].get<double>(), (0.375 + 0.75) / 2);
  EXPECT_DOUBLE_EQ(first["finetuned_dice"].get<double>(), 0.75);
  EXPECT_DOUBLE_EQ(first["difference"].get<double>(), 0.1875);
  EXPECT_DOUBLE_EQ(first["p"].get<double>(), 0.5);
  EXPECT_EQ(first["n_too_small"], true);
  EXPECT_EQ(first["p_holm"], 1) << "27 structures are the family, whichever have data";
  EXPECT_NEAR(first["seed_sd"].get<double>(), 0.375 / std::sqrt(2), 1e-15) << "of 0.75 and 0.375, before";
  EXPECT_DOUBLE_EQ(first["low"].get<double>(), 0.125) << "of two subjects, resamples are of the one alone as well";
  EXPECT_DOUBLE_EQ(first["high"].get<double>(), 0.25);
  EXPECT_TRUE(found["structures"][1]["pretrained_dice"].is_null());
  EXPECT_THAT(render_structures({file}, "text"), HasSubstr("n too small: with so few subjects"));

  EXPECT_EQ(table("plain")["structures"][0]["pretrained_dice"], 1);
  EXPECT_THAT(
      render_structures({file}, "csv", {}, "plain"),
      StartsWith("structure,subjects,pretrained_dice,finetuned_dice,than_dice,difference,low,high,seed_sd,p,p_holm,"
                 "n_too_small\nLeft-Pallidum,2,1,,,,,,,,,false\n"));
  const auto against = table("plain", "v")["structures"][0];  // 1 and 1 against 0.375 and 0.75
  EXPECT_DOUBLE_EQ(against["difference"].get<double>(), 0.4375);
  EXPECT_DOUBLE_EQ(against["than_dice"].get<double>(), 0.5625);
  EXPECT_THAT(error_of([&] { table("v", "plain"); }), HasSubstr("variant 'plain' has no fine-tuned results to compare "
                                                                "with those of 'v'"));
  EXPECT_THAT(error_of([&] { table("w"); }), HasSubstr("no results of a variant 'w'; there is 'plain', 'v'"));
}

TEST_F(Structures, AreOfTheBestOnValidationWhereNoneWasFineTuned) {
  ResultsDatabase db(file);
  const auto ids = db.begin(study_record(), provenance(),
                            {trial_record("first", 1), trial_record("best", 1), trial_record("last", 1)});
  const std::vector<double> validation = {0.5, 0.7, 0.6};
  for (std::size_t t = 0; t < ids.size(); ++t) {
    const auto test = {scored("a", 11, 1, static_cast<std::int64_t>(t))};  // the first is the best of these
    db.record_stage(
        ids[t].id,
        {.stage = 0, .best_epoch = 1, .best_dice = validation[t], .stopped = "", .validation = test, .test = test});
    db.set_finished(ids[t].id);
  }
  EXPECT_EQ(table()["variant"], "best");
}

// A net that learned biased labels by heart, and one that learned the true ones, up to small errors of its own: of 12
// heads the six structures whose labels were shifted must come out on top, with significant gains; against a control
// that trained on with the biased labels as well.
TEST_F(Structures, ThatABiasWasPlantedInComeOutOnTop) {
  ResultsDatabase db(file);
  const auto ids = db.begin(study_record(), provenance(), {two_stages("v", 1), two_stages("control", 1)});
  const data::LabelBiasOptions planted = {.pallidum_mm = 1, .amygdala_mm = -1, .ventricles_mm = 1, .noise_mm = 0.3};
  const data::LabelBiasOptions unbiased = {.pallidum_mm = 0, .amygdala_mm = 0, .ventricles_mm = 0, .noise_mm = 0.3};
  std::vector<SubjectCounts> before, after, control;
  for (std::uint32_t subject = 1; subject <= 12; ++subject) {
    const auto truth = data::map_labels(data::phantom_head(1, subject), data::label_table("freesurfer")).classes;
    const auto predicted = [&](const data::LabelBiasOptions& bias, std::uint32_t draw) {
      const auto labels = data::bias_labels(truth, data::brain_classes(), bias,
                                            data::Random(2, data::Purpose::kLabelBias, subject, draw));
      return SubjectCounts{"head-" + std::to_string(subject), count(truth.voxels, labels.voxels, data::kClasses)};
    };
    before.push_back(predicted(planted, 1));
    after.push_back(predicted(unbiased, 2));
    control.push_back(predicted(planted, 3));
  }
  for (std::size_t i = 0; i < 2; ++i) {
    record(db, ids[i].id, 0, before);
    record(db, ids[i].id, 1, i == 0 ? after : control);
    db.set_finished(ids[i].id);
  }

  for (const std::string than : {"", "control"}) {
    const auto found = table("v", than);
    std::vector<std::string> top;
    for (std::size_t i = 0; i < 6; ++i) {
      top.push_back(found["structures"][i]["structure"]);
      EXPECT_LT(found["structures"][i]["p_holm"].get<double>(), 0.05) << top.back() << than;
    }
    EXPECT_THAT(top, testing::UnorderedElementsAre("Left-Pallidum", "Right-Pallidum", "Left-Amygdala", "Right-Amygdala",
                                                   "Left-Lateral-Ventricle", "Right-Lateral-Ventricle"));
  }
}

TEST_F(Structures, AreDrawnWithAllTheirNames) {
  write_made_up_study(file);
  const auto written = plot_figure2({file}, folder / "figure2");
  ASSERT_EQ(written.size(), 4u);
  for (const auto& path : written) EXPECT_TRUE(std::filesystem::exists(path)) << path;
  const std::string svg = read_text(folder / "figure2.svg"), csv = read_text(folder / "figure2.csv");
  for (std::size_t c = 1; c < data::kClasses; ++c) EXPECT_THAT(svg, HasSubstr(std::string(data::kStructures[c])));
  EXPECT_THAT(svg, HasSubstr("pre-trained"));
  EXPECT_THAT(svg, HasSubstr("fine-tuned"));
  EXPECT_THAT(svg, HasSubstr(">difference<"));
  EXPECT_THAT(svg, HasSubstr("made-up: scheduled &amp; 50%_off")) << "the one variant with both stages";
  EXPECT_THAT(csv, StartsWith("structure,stage,subject,dice\n"));
  EXPECT_THAT(csv, HasSubstr(",finetuned,alice,"));
  plot_figure2({file}, folder / "plain", {}, "fixed, \"w-CE\"");
  EXPECT_EQ(read_text(folder / "plain.csv").find("finetuned"), std::string::npos);
  EXPECT_THAT(read_text(folder / "plain.svg"), testing::Not(HasSubstr("fine-tuned")));
  EXPECT_THAT(read_text(folder / "plain.svg"), testing::Not(HasSubstr(">difference<"))) << "of one side there is none";
  plot_figure2({file}, folder / "both", {}, "fixed, \"w-CE\"", "scheduled & 50%_off");
  EXPECT_THAT(read_text(folder / "both.svg"), HasSubstr("made-up: Pre-Trained")) << "names of two would cover the key";
}

}  // namespace
}  // namespace crossfade::analysis
