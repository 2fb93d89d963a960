// A scored variant beside a grid's, as the sqlite3 shell sees it.
#include "analysis/results/scored_variant.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "analysis/figures/figure2.hpp"
#include "analysis/tables/report.hpp"
#include "tests/analysis/study.hpp"

namespace crossfade::analysis {
namespace {

using testing::HasSubstr;

class Scored : public testing::Test {
 protected:
  TemporaryFolder folder;
  std::filesystem::path file = folder / "results.sqlite";

  std::string ask(const std::string& sql) const {
    Said said = run({"sqlite3", file.string(), sql});
    EXPECT_EQ(said.status, 0) << sql;
    while (said.output.ends_with('\n')) said.output.pop_back();
    return said.output;
  }
};

/// Structure 1 with Dice 2 tp / (2 tp + fp), at 1 mm.
SubjectScores subject(const std::string& name, std::int64_t tp, std::int64_t fp) {
  SubjectScores s;
  s.subject = name;
  s.counts = no_counts();
  s.surfaces.resize(data::kClasses);
  s.counts.true_positive[1] = tp;
  s.counts.false_positive[1] = fp;
  s.surfaces[1] = {.hd95_mm = 2.5, .nsd = 0.75, .volume_difference = 0.125};
  s.spacing_mm = {1, 1, 1};
  return s;
}

ScoredVariant tool(const std::string& name = "FreeSurfer") {
  return {.name = name,
          .config = R"({"label_table": "freesurfer"})",
          .subjects = {subject("alice", 2, 6), subject("bob", 2, 1), subject("dan", 1, 0)}};  // 0.4, 0.8, 1
}

/// The study of the made-up grid's trials, as its last run knows them.
std::vector<TrialRecord> grid_again() {
  std::vector<TrialRecord> trials;
  for (const auto* variant : {"fixed, \"w-CE\"", "new in the grid", "another new one", "a third", "a fourth"})
    trials.push_back(trial_record(variant, 1));
  return trials;
}

TEST_F(Scored, AppearsInTable1BehindTheGridsVariants) {
  write_made_up_study(file);
  const std::string before = ask("SELECT * FROM table1");
  const Coverage coverage = record_scored_variant(file, "", tool(), provenance());
  EXPECT_EQ(coverage.tested, 3);  // alice, bob, carol
  EXPECT_EQ(coverage.covered, 2);
  // Mean of 0.4, 0.8, 1: 11 / 15; deviations -1/3, 1/15, 4/15: sd sqrt((25 + 1 + 16) / 225 / 2) = sqrt(42 / 450).
  EXPECT_EQ(ask("SELECT variant, model, loss, finetuned_dice IS NULL, seeds, subjects, converged, trials, planned,"
                " failed, parameters, pretrained_converged, flops IS NULL, study FROM table1 LIMIT 1 OFFSET 4"),
            "FreeSurfer|–|–|1|1|3|1|1|1|0|0|1|1|made-up");
  EXPECT_EQ(ask("SELECT abs(pretrained_dice - 11.0 / 15) < 1e-12, abs(pretrained_sd - sqrt(42.0 / 450)) < 1e-12"
                " FROM table1 WHERE variant = 'FreeSurfer'"),
            "1|1");
  EXPECT_EQ(ask("SELECT * FROM table1 WHERE variant <> 'FreeSurfer'"), before);
  EXPECT_EQ(ask("PRAGMA integrity_check"), "ok");
  EXPECT_EQ(ask("PRAGMA foreign_key_check"), "");
}

TEST_F(Scored, AppearsInFigure2WithAllMetricsStored) {
  write_made_up_study(file);
  record_scored_variant(file, "made-up", tool(), provenance());
  EXPECT_EQ(ask("SELECT stage, seed, fold, subject, dice, true_positive, false_positive FROM figure2"
                " WHERE variant = 'FreeSurfer' AND structure = 'Left-Cerebral-White-Matter'"),
            "pretrain|0|0|alice|0.4|2|6\npretrain|0|0|bob|0.8|2|1\npretrain|0|0|dan|1.0|1|0");
  EXPECT_EQ(ask("SELECT count(*), sum(dice IS NULL) FROM figure2 WHERE variant = 'FreeSurfer'"), "81|78");
  EXPECT_EQ(ask("SELECT group_concat(metric || ' ' || value, ', ') FROM subject_score JOIN stage ON stage.id = stage_id"
                " WHERE stage.cohort = '–' AND subject = 'bob' AND structure_id = 1 ORDER BY metric"),
            "dice 0.8, hd95_mm 2.5, nsd 0.75, volume_difference 0.125");
  EXPECT_EQ(ask("SELECT voxel_mm, plane, labels, epochs, best_epoch, stopped, converged FROM stage WHERE cohort = '–'"),
            "1.0|axial|manual|0|0||1");
}

TEST_F(Scored, FillsTheColumnOfFineTunedNets) {
  write_made_up_study(file);
  ScoredVariant variant = tool();
  variant.role = "finetuned";
  record_scored_variant(file, "", variant, provenance());
  EXPECT_EQ(ask("SELECT pretrained_dice IS NULL, round(finetuned_dice, 6), finetuned_converged, converged FROM table1"
                " WHERE variant = 'FreeSurfer'"),
            "1|0.733333|1|1");
  const auto row = nlohmann::json::parse(render_structures({file}, "json", {}, "FreeSurfer"))["structures"][0];
  EXPECT_TRUE(row["pretrained_dice"].is_null());
  EXPECT_DOUBLE_EQ(row["finetuned_dice"].get<double>(), (0.4 + 0.8 + 1) / 3);
  EXPECT_EQ(plot_figure2({file}, folder / "figure2", {}, "FreeSurfer").size(), 4u);
  EXPECT_THAT(read_text(folder / "figure2.csv"), testing::HasSubstr("finetuned,alice,0.4"));
}

TEST_F(Scored, AgainReplacesWhatWasThere) {
  write_made_up_study(file);
  record_scored_variant(file, "", tool(), provenance());
  record_scored_variant(file, "", tool("SynthSeg"), provenance());
  ScoredVariant again = tool();
  again.subjects = {subject("alice", 1, 0)};
  record_scored_variant(file, "", again, provenance());
  EXPECT_EQ(ask("SELECT variant, pretrained_dice = 1, subjects FROM table1 WHERE model = '–'"),
            "FreeSurfer|1|1\nSynthSeg|0|3");
  EXPECT_EQ(ask("SELECT count(*) FROM trial WHERE hash LIKE 'score/%'"), "2");
  EXPECT_EQ(ask("SELECT count(*) FROM stage WHERE trial_id NOT IN (SELECT id FROM trial)"), "0");
}

TEST_F(Scored, StaysWhenTheGridRunsAgain) {
  write_made_up_study(file);
  record_scored_variant(file, "", tool("FreeSurfer"), provenance());
  record_scored_variant(file, "", tool("SynthSeg"), provenance());
  ResultsDatabase(file).begin(study_record(), provenance(), grid_again());
  EXPECT_EQ(ask("SELECT group_concat(variant, ';') FROM table1"),
            "fixed, \"w-CE\";new in the grid;another new one;a third;a fourth;FreeSurfer;SynthSeg");
  EXPECT_EQ(ask("SELECT group_concat(position) FROM (SELECT position FROM variant WHERE source = 'score' ORDER BY id)"),
            "5,6");
}

TEST_F(Scored, ComesFirstOnlyWhereItIsAlone) {
  record_scored_variant(file, "mine", tool(), provenance());  // a new file
  EXPECT_EQ(ask("SELECT variant, study FROM table1"), "FreeSurfer|mine");
  record_scored_variant(file, "mine", tool("SynthSeg"), provenance());
  ResultsDatabase(file).begin(study_record("mine"), provenance(), {trial_record("a", 1)});
  EXPECT_EQ(ask("SELECT group_concat(variant) FROM table1"), "a,FreeSurfer,SynthSeg");
  EXPECT_EQ(ask("SELECT caption FROM study"), study_record().caption);
}

TEST_F(Scored, AndAGridDontShareAName) {
  write_made_up_study(file);
  const auto refuse = [&](const std::string& name) {
    const std::string error = error_of([&] { check_scored_variant(file, "", name, data::brain_classes()); });
    EXPECT_THAT(error, HasSubstr("results database '" + file.string() + "': '" + name + "' is a variant"));
    EXPECT_EQ(error_of([&] { record_scored_variant(file, "", tool(name), provenance()); }), error);
  };
  refuse("half done");
  refuse("dropped");  // the grid had it, and may have it again
  record_scored_variant(file, "", tool(), provenance());
  const std::string error =
      error_of([&] { ResultsDatabase(file).begin(study_record(), provenance(), {trial_record("FreeSurfer", 1)}); });
  EXPECT_THAT(error, HasSubstr("'FreeSurfer' is a variant of the study already, from `runner score`"));
  EXPECT_EQ(ask("SELECT count(*) FROM table1"), "5");  // as it was
}

TEST_F(Scored, NeedsAStudyThatIsThereOrANameForANewOne) {
  EXPECT_THAT(error_of([&] { check_scored_variant(file, "", "x", data::brain_classes()); }),
              HasSubstr("does not exist; name the study"));
  EXPECT_THAT(error_of([&] { record_scored_variant(file, "", tool(), provenance()); }), HasSubstr("does not exist"));
  EXPECT_FALSE(std::filesystem::exists(file));
  check_scored_variant(file, "mine", "x", data::brain_classes());
  EXPECT_FALSE(std::filesystem::exists(file));
  { ResultsDatabase empty(file); }
  EXPECT_THAT(error_of([&] { check_scored_variant(file, "", "x", data::brain_classes()); }),
              HasSubstr("holds no study yet; name the new one"));
  write_made_up_study(file);
  EXPECT_THAT(error_of([&] { record_scored_variant(file, "mine", tool(), provenance()); }),
              HasSubstr("holds no study 'mine'; there is 'made-up'"));
}

}  // namespace
}  // namespace crossfade::analysis
