// The views against a recomputation from raw counts, and as a contract with notebooks.
#include <gtest/gtest.h>

#include <SQLiteCpp/SQLiteCpp.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "analysis/tables/report.hpp"
#include "tests/analysis/study.hpp"

namespace crossfade::analysis {
namespace {

std::vector<std::string> columns_of(const std::filesystem::path& file, const std::string& view) {
  SQLite::Database db(file.string());
  SQLite::Statement query(db, "SELECT * FROM " + view);
  std::vector<std::string> names;
  for (int c = 0; c < query.getColumnCount(); ++c) names.emplace_back(query.getColumnName(c));
  return names;
}

void expect_first_columns(const std::filesystem::path& file, const std::string& view, std::vector<std::string> first) {
  auto names = columns_of(file, view);
  ASSERT_GE(names.size(), first.size());
  names.resize(first.size());
  EXPECT_EQ(names, first) << view;
}

TEST(Views, HaveTheColumnsThatNotebooksRelyOn) {
  TemporaryFolder folder;
  write_made_up_study(folder / "r.sqlite");
  expect_first_columns(folder / "r.sqlite", "table1",
                       {"variant", "model", "loss", "pretrained_dice", "pretrained_sd", "finetuned_dice",
                        "finetuned_sd", "seeds", "subjects", "converged", "trials"});
  expect_first_columns(folder / "r.sqlite", "figure1",
                       {"variant", "seed", "fold", "stage", "epoch", "dice", "loss", "seconds"});
  expect_first_columns(folder / "r.sqlite", "figure2",
                       {"variant", "stage", "seed", "fold", "subject", "structure", "dice"});
}

TEST(Table1, EqualsARecomputationFromRawCounts) {
  TemporaryFolder folder;
  write_made_up_study(folder / "r.sqlite");
  const Said said = run({CROSSFADE_PYTHON, CROSSFADE_TESTS "/views_reference.py", (folder / "r.sqlite").string()});
  ASSERT_EQ(said.status, 0);
  const auto reference = nlohmann::json::parse(said.output);
  const auto table = nlohmann::json::parse(render_table1({folder / "r.sqlite"}, "json"));
  ASSERT_EQ(table["rows"].size(), 4u);
  ASSERT_EQ(reference.size(), 4u);
  for (const auto& row : table["rows"]) {
    const auto& expected = reference.at(row["variant"].get<std::string>());
    for (const auto& [key, value] : expected.items()) {
      SCOPED_TRACE(row["variant"].get<std::string>() + " " + key);
      if (value.is_null() || row.at(key).is_null())
        EXPECT_EQ(row.at(key), value);
      else
        EXPECT_NEAR(row.at(key).get<double>(), value.get<double>(), 1e-12);  // sums of some 160 numbers below 1
    }
  }
  const auto& rows = table["rows"];
  EXPECT_EQ(rows[0]["converged"], 2);
  EXPECT_TRUE(rows[0]["finetuned_dice"].is_null());
  EXPECT_FALSE(rows[1]["finetuned_dice"].is_null());
  EXPECT_EQ(rows[2]["converged"], 0);  // its means are there all the same
  EXPECT_EQ(rows[2]["trials"], 2);
  EXPECT_GT(rows[2]["pretrained_dice"].get<double>(), 0);
  EXPECT_GT(rows[0]["pretrained_left_out"].get<int>(), 0);  // the study has cells without a number
  EXPECT_EQ(rows[3]["trials"], 1);
  EXPECT_EQ(rows[3]["planned"], 2);
  EXPECT_EQ(rows[3]["failed"], 1);
}

/// One structure a subject, with Dice 2 tp / (2 tp + fp).
SubjectCounts subject(const std::string& name, std::int64_t tp, std::int64_t fp) {
  Counts c = no_counts();
  c.true_positive[1] = tp;
  c.false_positive[1] = fp;
  return {name, c};
}

TEST(Table1, OfACaseWorkedByHandWithFolds) {
  // Two folds, each subject tested in one; seeds 1 and 2. Dice: a 0.4, 0.6 (mean 0.5); b 0.8, 1.0 (mean 0.9).
  TemporaryFolder folder;
  ResultsDatabase db(folder / "r.sqlite");
  const std::vector<TrialRecord> trials = {trial_record("v", 1, 0), trial_record("v", 2, 0), trial_record("v", 1, 1),
                                           trial_record("v", 2, 1)};
  const auto ids = db.begin(study_record(), provenance(), trials);
  const SubjectCounts tested[] = {subject("a", 2, 6), subject("a", 3, 4), subject("b", 2, 1), subject("b", 5, 0)};
  for (std::size_t i = 0; i < trials.size(); ++i) {
    db.record_stage(ids[i].id, {.stage = 0,
                                .best_epoch = 1,
                                .best_dice = i == 0 ? 0.0999 : 0.10,  // at 0.10 a seed has converged
                                .stopped = "",
                                .validation = {},
                                .test = {tested[i]}});
    db.set_finished(ids[i].id);
  }
  const auto row = nlohmann::json::parse(render_table1({folder / "r.sqlite"}, "json"))["rows"][0];
  EXPECT_DOUBLE_EQ(row["pretrained_dice"].get<double>(), 0.7);
  EXPECT_NEAR(row["pretrained_sd"].get<double>(), 0.4 / std::sqrt(2.0), 1e-15);       // of 0.5 and 0.9
  EXPECT_NEAR(row["pretrained_seed_sd"].get<double>(), 0.2 / std::sqrt(2.0), 1e-15);  // of 0.6 and 0.8
  EXPECT_TRUE(row["pretrained_structure_sd"].is_null());                              // one structure has no spread
  EXPECT_EQ(row["subjects"], 2);
  EXPECT_EQ(row["seeds"], 2);
  EXPECT_EQ(row["trials"], 4);
  EXPECT_EQ(row["converged"], 3);
  EXPECT_EQ(row["pretrained_left_out"], 4 * 26);
}

// Scans of persons: p has three, q one of another name, "a" is a scan of its own person, whom p is not.
TEST(Persons, WithSeveralScansCountOnce) {
  TemporaryFolder folder;
  StudyRecord study = study_record();
  study.persons = {{"p_1", "p"}, {"p_2", "p"}, {"p_3", "p"}, {"q_1", "q"}, {"a", "a"}};
  study.claims = {{.name = "first", .better = "v", .than = "w"}};
  ResultsDatabase db(folder / "r.sqlite");
  const std::vector<TrialRecord> trials = {trial_record("v", 1), trial_record("w", 1)};
  const auto ids = db.begin(study, provenance(), trials);
  // Dice of structure 1. v: p 0.4, 0.6, 0.8 (mean 0.6), q 1, a 0.5. w: p 0.4, 0.4, 0.4, q 0.8, a 0.5.
  const std::vector<SubjectCounts> of_v = {subject("p_1", 2, 6), subject("p_2", 3, 4), subject("p_3", 2, 1),
                                           subject("q_1", 5, 0), subject("a", 1, 2)};
  const std::vector<SubjectCounts> of_w = {subject("p_1", 2, 6), subject("p_2", 2, 6), subject("p_3", 2, 6),
                                           subject("q_1", 2, 1), subject("a", 1, 2)};
  for (std::size_t i = 0; i < 2; ++i) {
    db.record_stage(ids[i].id, {.stage = 0,
                                .best_epoch = 1,
                                .best_dice = 0.5,
                                .stopped = "",
                                .validation = {},
                                .test = i == 0 ? of_v : of_w,
                                .seconds = {1, 2, 3, 4, 5}});
    db.set_finished(ids[i].id);
  }
  const auto row = nlohmann::json::parse(render_table1({folder / "r.sqlite"}, "json"))["rows"][0];
  EXPECT_DOUBLE_EQ(row["pretrained_dice"].get<double>(), 0.7);              // of 0.6, 1 and 0.5
  EXPECT_NEAR(row["pretrained_sd"].get<double>(), std::sqrt(0.07), 1e-15);  // 0.01 + 0.09 + 0.04, over 2
  EXPECT_EQ(row["subjects"], 3);
  EXPECT_EQ(row["pretrained_left_out"], 3 * 26);
  const auto claims = nlohmann::json::parse(render_claims({folder / "r.sqlite"}, "json"))["claims"];
  EXPECT_EQ(claims[0]["anatomies"], 3);
  EXPECT_NEAR(claims[0]["difference"].get<double>(), (0.2 + 0.2 + 0) / 3, 1e-15);
  const auto metrics = nlohmann::json::parse(render_metrics({folder / "r.sqlite"}, "json"))["rows"][0];
  EXPECT_EQ(metrics["subjects"], 3);
  EXPECT_DOUBLE_EQ(metrics["dice"].get<double>(), 0.7);
  EXPECT_DOUBLE_EQ(metrics["seconds"].get<double>(), (2. + 4 + 5) / 3);
  const auto structures = nlohmann::json::parse(render_structures({folder / "r.sqlite"}, "json", "", "v", "w"));
  EXPECT_EQ(structures["subjects"], 3);
  for (const std::string& report :
       {render_table1({folder / "r.sqlite"}, "text"), render_claims({folder / "r.sqlite"}, "text"),
        render_metrics({folder / "r.sqlite"}, "text"), render_structures({folder / "r.sqlite"}, "text")})
    EXPECT_NE(report.find("A subject is a person"), std::string::npos) << report;

  // A grid that no longer tells persons from scans takes them back; merged files agree with each alone.
  EXPECT_EQ(render_table1({folder / "r.sqlite", folder / "r.sqlite"}, "csv"),
            render_table1({folder / "r.sqlite"}, "csv"));
  db.begin(study_record(), provenance(), trials);
  EXPECT_EQ(nlohmann::json::parse(render_table1({folder / "r.sqlite"}, "json"))["rows"][0]["subjects"], 5);
}

TEST(Persons, WithSeveralScansCountOnceWhereAClaimIsOfSomeStructures) {
  TemporaryFolder folder;
  StudyRecord study = study_record();
  study.persons = {{"p_1", "p"}, {"p_2", "p"}, {"q_1", "q"}};
  study.claims = {{.name = "most", .better = "v", .than = "w", .most_in = study.classes.names[1]}};
  ResultsDatabase db(folder / "r.sqlite");
  const std::vector<TrialRecord> trials = {trial_record("v", 1), trial_record("w", 1)};
  const auto ids = db.begin(study, provenance(), trials);
  // Structure 2 has Dice 1 everywhere. Structure 1 less it, v: p 0.4 - 1, 0.6 - 1 (mean -0.5), q 0; w: p -0.6, q -0.2.
  std::vector<std::vector<SubjectCounts>> tested = {{subject("p_1", 2, 6), subject("p_2", 3, 4), subject("q_1", 5, 0)},
                                                    {subject("p_1", 2, 6), subject("p_2", 2, 6), subject("q_1", 2, 1)}};
  for (std::size_t i = 0; i < 2; ++i) {
    for (SubjectCounts& scan : tested[i]) scan.counts.true_positive[2] = 1;
    db.record_stage(
        ids[i].id, {.stage = 0, .best_epoch = 1, .best_dice = 0.5, .stopped = "", .validation = {}, .test = tested[i]});
    db.set_finished(ids[i].id);
  }
  const auto claim = nlohmann::json::parse(render_claims({folder / "r.sqlite"}, "json"))["claims"][0];
  EXPECT_EQ(claim["anatomies"], 2);
  EXPECT_NEAR(claim["difference"].get<double>(), (0.1 + 0.2) / 2, 1e-15);
}

TEST(Table1, IsReproducedByTheSqliteShellAlone) {
  TemporaryFolder folder;
  write_made_up_study(folder / "r.sqlite");
  const Said said = run({"sqlite3", "-json", (folder / "r.sqlite").string(), "select * from table1"});
  ASSERT_EQ(said.status, 0);
  const auto shell = nlohmann::json::parse(said.output);
  const auto ours = nlohmann::json::parse(render_table1({folder / "r.sqlite"}, "json"))["rows"];
  ASSERT_EQ(shell.size(), ours.size());
  for (std::size_t i = 0; i < ours.size(); ++i)
    for (const auto& [key, value] : ours[i].items()) {
      if (value.is_number_float())
        EXPECT_NEAR(shell[i].at(key).get<double>(), value.get<double>(), 1e-14) << key;  // the shell prints 15 digits
      else
        EXPECT_EQ(shell[i].at(key), value) << key;
    }
}

TEST(Figure2, HoldsEveryTestCellOfFinishedTrials) {
  TemporaryFolder folder;
  write_made_up_study(folder / "r.sqlite");
  SQLite::Database db((folder / "r.sqlite").string());
  // 7 finished trials in the grid, 2 of them with two stages; 3 subjects, 27 structures
  EXPECT_EQ(db.execAndGet("SELECT count(*) FROM figure2").getInt(), (7 + 2) * 3 * 27);
  EXPECT_EQ(db.execAndGet("SELECT count(*) FROM figure2 WHERE variant = 'dropped'").getInt(), 0);
  EXPECT_EQ(db.execAndGet("SELECT count(*) FROM figure2 WHERE abs(dice - 2.0 * true_positive / (2 * true_positive +"
                          " false_positive + false_negative)) > 1e-15")
                .getInt(),
            0);
}

TEST(Figure1, CountsEpochsOverAllStages) {
  TemporaryFolder folder;
  write_made_up_study(folder / "r.sqlite");
  SQLite::Database db((folder / "r.sqlite").string());
  SQLite::Statement query(db,
                          "SELECT stage, epoch, trial_epoch, dice, seconds FROM figure1"
                          " WHERE variant LIKE 'scheduled%' AND seed = 1");
  std::ostringstream rows;
  while (query.executeStep()) {
    rows << query.getColumn(0).getString() << query.getColumn(1).getInt() << '=' << query.getColumn(2).getInt() << ' ';
    EXPECT_GT(query.getColumn(3).getDouble(), 0);
    EXPECT_EQ(query.getColumn(4).getDouble(), 4);  // 3 of training, 1 of validation
  }
  EXPECT_EQ(rows.str(), "pretrain1=1 pretrain2=2 pretrain3=3 pretrain4=4 finetune1=5 finetune2=6 ");
}

}  // namespace
}  // namespace crossfade::analysis
