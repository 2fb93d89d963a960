// Studies of classes of their own, from their scores to tables and figures.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <SQLiteCpp/SQLiteCpp.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "analysis/figures/figure2.hpp"
#include "analysis/results/scored_variant.hpp"
#include "analysis/tables/report.hpp"
#include "tests/analysis/study.hpp"

namespace crossfade::analysis {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

data::Classes classes_of(std::vector<std::string> names) {
  data::Classes classes{std::move(names), {}};
  for (int c = 0; c < classes.count(); ++c) classes.left_twin.push_back(static_cast<std::uint8_t>(c));
  return classes;
}

const data::Classes kOrgans = classes_of({"background", "Liver", "Spleen"});
const data::Classes kKidneys = classes_of({"background", "Liver", "Kidney"});

StudyRecord study_of(const data::Classes& classes, const std::string& name = "made-up") {
  StudyRecord study = study_record(name);
  study.classes = classes;
  return study;
}

/// A subject whose structures have Dice `permille` / 1000, in the order of classes.
SubjectCounts scored(const std::string& subject, const std::vector<std::int64_t>& permille) {
  SubjectCounts s{subject, Counts(static_cast<int>(permille.size()) + 1)};
  for (std::size_t c = 1; c <= permille.size(); ++c) {
    s.counts.true_positive[c] = permille[c - 1];
    s.counts.false_positive[c] = s.counts.false_negative[c] = 1000 - permille[c - 1];
  }
  return s;
}

void record(ResultsDatabase& db, std::int64_t trial, const std::vector<SubjectCounts>& test) {
  db.record_stage(trial,
                  {.stage = 0, .best_epoch = 1, .best_dice = 0.5, .stopped = "", .validation = {}, .test = test});
  db.set_finished(trial);
}

class OwnClasses : public testing::Test {
 protected:
  TemporaryFolder folder;
  std::filesystem::path file = folder / "r.sqlite";

  std::string ask(const std::string& sql) const {
    SQLite::Database db(file.string());
    return db.execAndGet(sql).getString();
  }

  /// Of 8 subjects, i from 0, Liver and Spleen have 500 + i per mille in 'base'; in 'tuned' 40 and 10 + i more.
  void write_organs() {
    StudyRecord study = study_of(kOrgans);
    study.claims = {{.name = "there", .better = "tuned", .than = "base", .most_in = "Liver"}};
    ResultsDatabase db(file);
    const auto trials = db.begin(study, provenance(), {trial_record("base", 1), trial_record("tuned", 1)});
    std::vector<SubjectCounts> base, tuned;
    for (std::int64_t i = 0; i < 8; ++i) {
      base.push_back(scored("s" + std::to_string(i), {500 + i, 500 + i}));
      tuned.push_back(scored("s" + std::to_string(i), {540 + i, 510 + 2 * i}));
    }
    record(db, trials[0].id, base);
    record(db, trials[1].id, tuned);
  }
};

TEST_F(OwnClasses, AreThoseOfTable1ClaimsAndStructures) {
  write_organs();
  const auto rows = nlohmann::json::parse(render_table1({file}, "json"))["rows"];
  EXPECT_NEAR(rows[0]["pretrained_dice"].get<double>(), 0.5035, 1e-12);            // 500 + mean of 0 to 7
  EXPECT_NEAR(rows[1]["pretrained_dice"].get<double>(), 0.5035 + 0.02675, 1e-12);  // (40 + 13.5) / 2
  EXPECT_EQ(rows[0]["pretrained_left_out"], 0);

  // 40 - (10 + i) = 30 - i more in the liver than in the spleen: 26.5 on average, above 0 in all 8.
  const auto claim = nlohmann::json::parse(render_claims({file}, "json"))["claims"][0];
  EXPECT_NEAR(claim["difference"].get<double>(), 0.0265, 1e-12);
  EXPECT_EQ(claim["p"], 2.0 / 256);

  const auto structures = nlohmann::json::parse(render_structures({file}, "json", {}, "tuned", "base"))["structures"];
  ASSERT_EQ(structures.size(), 2u);
  EXPECT_EQ(structures[0]["structure"], "Liver");
  EXPECT_NEAR(structures[0]["difference"].get<double>(), 0.04, 1e-12);
  EXPECT_EQ(structures[1]["structure"], "Spleen");
  EXPECT_NEAR(structures[1]["difference"].get<double>(), 0.0135, 1e-12);
  EXPECT_EQ(structures[1]["p_holm"], 2 * 2.0 / 256) << "two are the family";
  EXPECT_THAT(render_structures({file}, "markdown", {}, "tuned", "base"), HasSubstr("corrected over the 2 structures"));
  EXPECT_THAT(render_structures({file}, "latex"), AllOf(HasSubstr("\\begin{tabular}"), Not(HasSubstr("longtable"))));
}

TEST_F(OwnClasses, AreThoseOfFigure2) {
  write_organs();
  EXPECT_EQ(ask("SELECT group_concat(DISTINCT structure) FROM figure2"), "Liver,Spleen");
  EXPECT_EQ(ask("SELECT count(*) FROM figure2"), "32");
  plot_figure2({file}, folder / "f", {}, "tuned", "base");
  const std::string csv = read_text(folder / "f.csv");
  EXPECT_THAT(csv, testing::StartsWith("structure,stage,subject,dice\nLiver,than,s0,0.5\nLiver,pretrained,s0,0.54\n"));
  EXPECT_THAT(csv, HasSubstr("\nSpleen,pretrained,s7,0.524\n"));
  EXPECT_EQ(std::ranges::count(csv, '\n'), 1 + 2 * 8 * 2);
}

TEST_F(OwnClasses, OfOneStructureAreCorrectedOverNone) {
  ResultsDatabase db(file);
  const auto trials = db.begin(study_of(classes_of({"background", "Prostate"})), provenance(),
                               {trial_record("base", 1), trial_record("tuned", 1)});
  record(db, trials[0].id, {scored("a", {500}), scored("b", {600})});
  record(db, trials[1].id, {scored("a", {600}), scored("b", {800})});
  const std::string text = render_structures({file}, "markdown", {}, "tuned", "base");
  EXPECT_THAT(text,
              AllOf(HasSubstr("| Prostate |"), HasSubstr("Wilcoxon signed-rank test."), Not(HasSubstr("correct"))));
  EXPECT_EQ(nlohmann::json::parse(render_structures({file}, "json", {}, "tuned", "base"))["structures"][0]["p_holm"],
            0.5);
}

TEST_F(OwnClasses, OfMoreStructuresThanAPageAreALongtable) {
  std::vector<std::string> names = {"background"};
  for (int c = 1; c <= 120; ++c) names.push_back("S_" + std::to_string(c));
  ResultsDatabase db(file);
  const std::int64_t trial = db.begin(study_of(classes_of(names)), provenance(), {trial_record("base", 1)})[0].id;
  record(db, trial, {scored("a", std::vector<std::int64_t>(120, 500))});
  const std::string latex = render_structures({file}, "latex");
  EXPECT_THAT(latex, AllOf(HasSubstr("\\begin{longtable}{lrrr}"), HasSubstr("\\endhead"),
                           HasSubstr("  S\\_120 & 0.5000"), HasSubstr("\\end{longtable}"), Not(HasSubstr("tabular"))));
  const std::string text = render_structures({file}, "text");
  EXPECT_EQ(std::ranges::count(text.substr(0, text.find("\n\n")), '\n'), 121) << "titles, a rule, and a line each";
}

TEST_F(OwnClasses, AreThoseOfAStudyAndNotOfAFile) {
  write_organs();
  {
    ResultsDatabase db(file);
    const auto trials = db.begin(study_of(kKidneys, "other"), provenance(), {trial_record("base", 1)});
    record(db, trials[0].id, {scored("a", {500, 600})});
    record(db, db.begin(study_record("brain"), provenance(), {trial_record("base", 1)})[0].id,
           {{"a", Counts(data::kClasses)}});
  }
  EXPECT_EQ(ask("SELECT group_concat(DISTINCT structure) FROM figure2 WHERE study = 'made-up'"), "Liver,Spleen");
  EXPECT_EQ(ask("SELECT group_concat(DISTINCT structure) FROM figure2 WHERE study = 'other'"), "Liver,Kidney");
  EXPECT_EQ(ask("SELECT count(DISTINCT structure) FROM figure2 WHERE study = 'brain'"), "27");
  EXPECT_THAT(render_structures({file}, "csv", "other"), AllOf(HasSubstr("\nKidney,1,0.6,"), Not(HasSubstr("Spleen"))));
  EXPECT_EQ(nlohmann::json::parse(render_claims({file}, "json", "made-up"))["claims"][0]["anatomies"], 8);
}

TEST_F(OwnClasses, StayWhereAStudyHasScores) {
  write_organs();
  const auto begin = [&](const data::Classes& classes) {
    return error_of([&] { ResultsDatabase(file).begin(study_of(classes), provenance(), {trial_record("base", 1)}); });
  };
  EXPECT_THAT(begin(kKidneys), AllOf(HasSubstr("class 2 is Kidney against Spleen in the database"),
                                     HasSubstr("name another database file")));
  EXPECT_THAT(begin(data::brain_classes()), HasSubstr("class 0 is None against background"));
  EXPECT_EQ(ask("SELECT group_concat(name) FROM (SELECT name FROM structure ORDER BY id)"), "background,Liver,Spleen");
  EXPECT_EQ(ask("SELECT count(*) FROM trial WHERE in_grid = 1"), "2") << "as it was";
  EXPECT_EQ(begin(kOrgans), "");
}

TEST_F(OwnClasses, OfAStudyWithoutAScoreFollowItsGrid) {
  ResultsDatabase db(file);
  db.begin(study_record(), provenance(), {trial_record("base", 1)});
  const std::int64_t trial = db.begin(study_of(kOrgans), provenance(), {trial_record("base", 1)})[0].id;
  EXPECT_EQ(ask("SELECT group_concat(name) FROM (SELECT name FROM structure ORDER BY id)"), "background,Liver,Spleen");
  EpochRecord epoch;
  epoch.epoch = 1;
  epoch.validation = validation_dice(std::vector{scored("v", {500, 250})});
  db.record_epoch(trial, epoch);  // validation's scores are scores, too
  EXPECT_EQ(ask("SELECT group_concat(structure_id || ' ' || dice) FROM dice"), "1 0.5,2 0.25");
  EXPECT_THAT(error_of([&] { db.begin(study_record(), provenance(), {trial_record("base", 1)}); }),
              HasSubstr("class 0 is None against background in the database"));
}

TEST_F(OwnClasses, OfScoresMustBeAsManyAsTheStudys) {
  ResultsDatabase db(file);
  const std::int64_t trial = db.begin(study_of(kOrgans), provenance(), {trial_record("base", 1)})[0].id;
  EpochRecord epoch;
  epoch.epoch = 1;
  epoch.validation.pooled = Counts(28);
  EXPECT_THAT(error_of([&] { db.record_epoch(trial, epoch); }),
              HasSubstr("scores of 28 classes, expected those of the 3"));
  StageResult result{.stage = 0, .best_epoch = 1, .best_dice = 0.5, .stopped = "", .validation = {}, .test = {}};
  result.test = {scored("a", {500, 250, 125})};
  EXPECT_THAT(error_of([&] { db.record_stage(trial, result); }), HasSubstr("scores of 4 classes"));
  result.test = {scored("a", {500, 250})};
  result.surfaces = {{"a", std::vector<SurfaceScores>(2)}};
  EXPECT_THAT(error_of([&] { db.record_stage(trial, result); }), HasSubstr("scores of 2 classes"));
  EXPECT_EQ(ask("SELECT count(*) FROM subject_score"), "0");
  result.surfaces = {{"a", std::vector<SurfaceScores>(3)}};
  db.record_stage(trial, result);
  EXPECT_EQ(ask("SELECT count(*) FROM subject_score"), "8") << "two structures by four metrics";
}

TEST_F(OwnClasses, OfAScoredVariantAreTheStudys) {
  const auto tool = [](const data::Classes& classes) {
    ScoredVariant variant{.name = "a tool", .config = "{}", .subjects = {{}}, .classes = classes};
    variant.subjects[0].subject = "s0";
    variant.subjects[0].counts = Counts(classes.count());
    variant.subjects[0].counts.true_positive[1] = 1;
    variant.subjects[0].surfaces.resize(static_cast<std::size_t>(classes.count()));
    return variant;
  };
  record_scored_variant(folder / "new.sqlite", "mine", tool(kOrgans), provenance());
  EXPECT_THAT(render_structures({folder / "new.sqlite"}, "csv"), HasSubstr("\nLiver,1,1,"));

  write_organs();
  const std::string error = error_of([&] { record_scored_variant(file, "", tool(kKidneys), provenance()); });
  EXPECT_THAT(error, HasSubstr("the scores are of other classes than the study: class 2 is Kidney against Spleen"));
  EXPECT_EQ(error_of([&] { check_scored_variant(file, "", "a tool", kKidneys); }), error);
  EXPECT_EQ(ask("SELECT count(*) FROM variant"), "2");
  check_scored_variant(file, "", "a tool", kOrgans);
  EXPECT_EQ(record_scored_variant(file, "", tool(kOrgans), provenance()).covered, 1);
}

TEST_F(OwnClasses, OfFilesThatAreReadAsOneStudyAreTheSame) {
  write_organs();
  const auto other = folder / "other.sqlite";
  record_scored_variant(other, "made-up", {.name = "a tool", .config = "{}", .subjects = {}, .classes = kKidneys},
                        provenance());
  EXPECT_EQ(error_of([&] {
              render_table1({file, other}, "text", "made-up");
            }),
            "results database '" + other.string() + "': its study is of other classes than that of '" + file.string() +
                "': class 2 is Kidney against Spleen; scores of unlike classes are no one study");
  std::filesystem::copy_file(file, folder / "copy.sqlite");
  EXPECT_EQ(render_structures({file, folder / "copy.sqlite"}, "csv"), render_structures({file}, "csv"));
}

}  // namespace
}  // namespace crossfade::analysis
