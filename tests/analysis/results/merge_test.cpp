// Several databases read as one study.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <SQLiteCpp/SQLiteCpp.h>

#include <nlohmann/json.hpp>
#include <set>

#include "analysis/figures/figure1.hpp"
#include "analysis/figures/figure2.hpp"
#include "analysis/results/merge.hpp"
#include "analysis/tables/report.hpp"
#include "tests/analysis/study.hpp"

namespace crossfade::analysis {
namespace {

using testing::HasSubstr;

void change(const std::filesystem::path& file, const std::string& sql) {
  SQLite::Database db(file.string(), SQLite::OPEN_READWRITE);
  db.exec("PRAGMA foreign_keys = ON");
  db.exec(sql);
}

/// Without the columns and the tables that came after `version` 1 or 2, and without views: a merge reads none of a
/// file's.
void make_older(const std::filesystem::path& file, int version) {
  std::string sql;
  for (const auto* view :
       {"table1", "figure1", "figure2", "table1_cell", "subject_dice", "structure_score", "scan_score", "counted_stage",
        "early_stage", "search_candidate", "candidate_score", "scored_stage"})
    sql += std::string("DROP VIEW ") + view + ";";
  sql += std::string(
             "CREATE TABLE older AS SELECT id, trial_id, position, name, cohort, epochs, switches, voxel_mm,"
             " best_epoch, best_dice, stopped") +
         (version == 2 ? ", hash, labels" : "") +
         " FROM stage;"
         "DROP TABLE stage; ALTER TABLE older RENAME TO stage; ALTER TABLE trial DROP COLUMN flops; DROP TABLE claim;"
         "DROP TABLE subject_time; DROP TABLE subject; DROP TABLE person; DROP TABLE search; DROP TABLE candidate;"
         "DROP TABLE candidate_trial; ALTER TABLE epoch DROP COLUMN seconds_checkpoint;"
         "ALTER TABLE epoch DROP COLUMN seconds_communication; ALTER TABLE epoch DROP COLUMN seconds_buckets;"
         "ALTER TABLE epoch DROP COLUMN seconds_loss_sums; ALTER TABLE epoch DROP COLUMN seconds_norm_sums;"
         "CREATE TABLE of_all AS SELECT id, name FROM structure; DROP TABLE structure;"
         "ALTER TABLE of_all RENAME TO structure;"
         "PRAGMA user_version = " +
         std::to_string(version);
  SQLite::Database(file.string(), SQLite::OPEN_READWRITE).exec(sql);
}

class Merge : public testing::Test {
 protected:
  TemporaryFolder folder;
  std::filesystem::path a = folder / "a.sqlite", b = folder / "b.sqlite";

  nlohmann::json row(const std::vector<std::filesystem::path>& files, std::size_t i = 0) {
    return nlohmann::json::parse(render_table1(files, "json"))["rows"].at(i);
  }
};

/// All of a view or table, in no order.
std::multiset<std::vector<std::string>> rows_of(SQLite::Database& db, const std::string& name) {
  std::multiset<std::vector<std::string>> rows;
  SQLite::Statement query(db, "SELECT * FROM " + name);
  while (query.executeStep()) {
    std::vector<std::string> row;
    for (int c = 0; c < query.getColumnCount(); ++c)
      row.push_back(std::string(query.getColumnName(c)) + " = " + query.getColumn(c).getString() + " of type " +
                    std::to_string(query.getColumn(c).getType()));
    rows.insert(std::move(row));
  }
  return rows;
}

TEST_F(Merge, KeepsWhatTheViewsOfTheFileSay) {
  write_made_up_study(a);
  SQLite::Database file(a.string()), merged = merge_study({a}, {});
  for (const std::string view :
       {"counted_stage", "structure_score", "subject_dice", "table1_cell", "table1", "figure2"}) {
    EXPECT_FALSE(rows_of(file, view).empty()) << view;
    EXPECT_EQ(rows_of(merged, view), rows_of(file, view)) << view;
  }
}

TEST_F(Merge, GivesTheSameByPagesAndByRows) {
  write_made_up_study(a);
  change(a, "INSERT INTO subject SELECT id, 'dave' FROM study");
  std::filesystem::copy_file(a, b);
  change(b, "CREATE TABLE of_a_user (x)");  // no longer word for word this program's: copied row by row
  const auto pages = folder / "pages.sqlite";
  std::filesystem::copy_file(a, pages);
  change(pages, "PRAGMA page_size = 1024; VACUUM");  // not that of a new database
  SQLite::Database rows = merge_study({b}, {}, Scores::kAll);
  for (const auto& file : {a, pages}) {
    SQLite::Database merged = merge_study({file}, {}, Scores::kAll);
    for (const char* table :
         {"study", "structure", "variant", "claim", "trial", "stage", "epoch", "epoch_term", "dice", "subject_score",
          "subject_time", "subject", "person", "provenance", "structure_score", "table1", "figure1", "figure2"})
      EXPECT_EQ(rows_of(merged, table), rows_of(rows, table)) << table << " of " << file;
  }
}

TEST_F(Merge, UsesTheViewsOfThisProgram) {
  write_made_up_study(a);
  const std::string before = render_table1({a}, "csv");
  change(a,
         "DROP VIEW subject_dice; CREATE VIEW subject_dice AS"
         " SELECT variant_id, role, trial_id, seed, fold, part, subject, 0.5 AS dice, 0 AS left_out"
         " FROM structure_score WHERE metric = 'dice' GROUP BY stage_id, part, subject");
  EXPECT_EQ(render_table1({a}, "csv"), before);
}

TEST_F(Merge, RendersSeveralFormatsAsOneAtATime) {
  write_made_up_study(a);
  const std::vector<std::string> table1 = render_table1({a}, report_formats());
  const std::vector<std::string> structures = render_structures({a}, report_formats());
  for (std::size_t f = 0; f < report_formats().size(); ++f) {
    EXPECT_EQ(table1.at(f), render_table1({a}, report_formats()[f]));
    EXPECT_EQ(structures.at(f), render_structures({a}, report_formats()[f]));
  }
}

TEST_F(Merge, GivesTheStudyThatWasSplit) {
  const auto whole = folder / "whole.sqlite";
  write_made_up_study(whole);
  std::filesystem::copy_file(whole, a);
  std::filesystem::copy_file(whole, b);
  // Seed 1 in one file and seed 2 in the other; in the second, another study before ours shifts ids and positions.
  change(a, "DELETE FROM trial WHERE seed = 2");
  change(b, "DELETE FROM trial WHERE seed = 1");
  { ResultsDatabase(b).begin(study_record("another"), provenance(), {trial_record("half done", 9)}); }

  for (const auto& format : report_formats()) {
    EXPECT_EQ(render_table1({a, b}, format, "made-up"), render_table1({whole}, format)) << format;
    EXPECT_EQ(render_structures({a, b}, format, "made-up"), render_structures({whole}, format)) << format;
  }
  EXPECT_EQ(render_table1({a, b}, "csv"), render_table1({whole}, "csv")) << "the latest study of the first file";
  EXPECT_NE(render_table1({a}, "csv"), render_table1({whole}, "csv"));
  plot_figure1({whole}, folder / "whole1");
  plot_figure1({a, b}, folder / "merged1");
  plot_figure2({whole}, folder / "whole2");
  plot_figure2({a, b}, folder / "merged2");
  EXPECT_EQ(read_text(folder / "merged1.csv"), read_text(folder / "whole1.csv"));
  EXPECT_EQ(read_text(folder / "merged1.svg"), read_text(folder / "whole1.svg"));
  EXPECT_EQ(read_text(folder / "merged2.csv"), read_text(folder / "whole2.csv"));
}

/// A study of one trial in `file`: `epochs` of its 4 epochs, each of Dice `dice`; finished with that Dice if all are.
void write_one(const std::filesystem::path& file, const TrialRecord& trial, int epochs, std::int64_t false_positive,
               std::vector<Claim> claims = {}) {
  ResultsDatabase db(file);
  StudyRecord study = study_record();
  study.claims = std::move(claims);
  const std::int64_t id = db.begin(study, provenance(), {trial})[0].id;
  db.set_running(id);
  SubjectCounts subject{"s", no_counts()};
  subject.counts.true_positive[1] = 1;
  subject.counts.false_positive[1] = false_positive;  // Dice 2 / (2 + false_positive)
  for (int epoch = 1; epoch <= epochs; ++epoch) {
    EpochRecord record;
    record.epoch = epoch;
    record.validation = validation_dice(std::vector{subject});
    db.record_epoch(id, record);
  }
  if (epochs < 4) return;
  db.record_stage(
      id, {.stage = 0, .best_epoch = 4, .best_dice = 0.5, .stopped = "", .validation = {subject}, .test = {subject}});
  db.set_finished(id);
}

TEST_F(Merge, TakesTheFinishedOfTwoTrialsThenThatWithMoreEpochs) {
  const TrialRecord trial = trial_record("v", 1);
  const auto c = folder / "c.sqlite";
  write_one(a, trial, 1, 0);
  write_one(b, trial, 4, 6);
  write_one(c, trial, 3, 2);
  for (const auto& files : {std::vector{a, b, c}, std::vector{b, c, a}, std::vector{c, a, b}}) {
    EXPECT_EQ(row(files)["planned"], 1);
    EXPECT_EQ(row(files)["trials"], 1);
    EXPECT_EQ(row(files)["pretrained_dice"], 0.25) << "of the finished one";
    plot_figure1(files, folder / "f");
    EXPECT_EQ(read_text(folder / "f.csv"),
              "variant,epoch,dice,smallest,largest,trials\nv,1,0.25,0.25,0.25,1\n"
              "v,2,0.25,0.25,0.25,1\nv,3,0.25,0.25,0.25,1\nv,4,0.25,0.25,0.25,1\n");
  }
  for (const auto& files : {std::vector{a, c}, std::vector{c, a}}) {
    EXPECT_EQ(row(files)["trials"], 0);
    plot_figure1(files, folder / "f");
    EXPECT_EQ(read_text(folder / "f.csv"),
              "variant,epoch,dice,smallest,largest,trials\nv,1,0.5,0.5,0.5,1\n"
              "v,2,0.5,0.5,0.5,1\nv,3,0.5,0.5,0.5,1\n");
  }
}

TEST_F(Merge, TakesVariantsInTheOrderOfTheFirstFileThenTheOthers) {
  { ResultsDatabase(a).begin(study_record(), provenance(), {trial_record("p", 1), trial_record("q", 1)}); }
  {
    TrialRecord other = trial_record("q", 2);
    other.loss = "another loss";
    ResultsDatabase(b).begin(study_record(), provenance(), {trial_record("r", 1), other});
  }
  const auto rows = nlohmann::json::parse(render_table1({a, b}, "json"))["rows"];
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[0]["variant"], "p");
  EXPECT_EQ(rows[1]["variant"], "q");
  EXPECT_EQ(rows[2]["variant"], "r");
  EXPECT_EQ(rows[1]["planned"], 2);
  EXPECT_EQ(rows[1]["loss"], trial_record("q", 1).loss) << "as the first file says";
  EXPECT_EQ(row({b, a})["variant"], "r");
}

TEST_F(Merge, RefusesANetAndAnotherToolOfOneName) {
  write_one(a, trial_record("QuickNAT", 1), 4, 0);
  write_one(b, trial_record("other", 1), 4, 0);
  change(b, "UPDATE variant SET name = 'QuickNAT', source = 'score'");
  EXPECT_THAT(error_of([&] {
                render_table1({a, b}, "text");
              }),
              HasSubstr("b.sqlite': 'QuickNAT' is from `runner score` here and of the grid in '" + a.string() + "'"));
  EXPECT_THAT(error_of([&] {
                render_table1({b, a}, "text");
              }),
              HasSubstr("a.sqlite': 'QuickNAT' is of the grid here and from `runner score` in '" + b.string() + "'"));
}

TEST_F(Merge, KeepsATrialThatOneFileHasInItsGridUnderTheNameThere) {
  TrialRecord renamed = trial_record("old name", 1);
  write_one(a, renamed, 4, 0);
  { ResultsDatabase(a).begin(study_record(), provenance(), {trial_record("other", 1)}); }  // leaves the grid of a
  renamed.variant = "new name";
  write_one(b, renamed, 2, 0);
  for (const auto& files : {std::vector{a, b}, std::vector{b, a}}) {
    const auto rows = nlohmann::json::parse(render_table1(files, "json"))["rows"];
    ASSERT_EQ(rows.size(), 2u);
    for (const auto& found : rows) EXPECT_EQ(found["trials"], found["variant"] == "new name" ? 1 : 0);
  }
}

TEST_F(Merge, TakesClaimsByName) {
  write_one(a, trial_record("p", 1), 4, 0, {{.name = "one", .better = "p", .than = "q"}});
  write_one(b, trial_record("q", 1), 4, 2,
            {{.name = "two", .better = "q", .than = "p"}, {.name = "one", .better = "q", .than = "p"}});
  const auto claims = nlohmann::json::parse(render_claims({a, b}, "json"))["claims"];
  ASSERT_EQ(claims.size(), 2u);
  EXPECT_EQ(claims[0]["claim"], "one");
  EXPECT_EQ(claims[0]["better"], "p") << "as the first file says";
  EXPECT_EQ(claims[0]["difference"], 0.5);
  EXPECT_EQ(claims[1]["claim"], "two");
  EXPECT_EQ(nlohmann::json::parse(render_claims({a}, "json"))["claims"][0]["verdict"], "no result yet");
}

TEST_F(Merge, ReadsOlderVersions) {
  TrialRecord trial = trial_record("v", 2);
  trial.flops = 2e9;
  write_one(b, trial, 4, 6, {{.name = "one", .better = "v", .than = "w"}});
  for (const int version : {1, 2}) {
    const auto older = folder / ("version " + std::to_string(version));
    write_one(older, trial_record("v", 1), 4, 2);
    make_older(older, version);
    for (const auto& files : {std::vector{older, b}, std::vector{b, older}}) {
      EXPECT_EQ(row(files)["trials"], 2);
      EXPECT_EQ(row(files)["pretrained_dice"], (0.5 + 0.25) / 2);
      EXPECT_EQ(row(files)["pretrained_converged"], 2);
      EXPECT_EQ(row(files)["flops"], 2e9);
      EXPECT_THAT(render_claims(files, "text"), HasSubstr("no result yet"));
    }
  }
}

TEST_F(Merge, SaysWhichFileLacksTheStudy) {
  write_one(a, trial_record("v", 1), 4, 2);
  { ResultsDatabase(b).begin(study_record("theirs"), provenance(), {trial_record("v", 2)}); }
  EXPECT_EQ(error_of([&] {
              render_table1({a, b}, "text");
            }),
            "results database '" + b.string() + "': holds no study 'made-up'; there is 'theirs'");
  EXPECT_EQ(error_of([&] {
              render_structures({a, b}, "text", "theirs");
            }),
            "results database '" + a.string() + "': holds no study 'theirs'; there is 'made-up'");
  EXPECT_THAT(error_of([&] {
                render_table1({a, folder / "c.sqlite"}, "text");
              }),
              HasSubstr("c.sqlite': does not exist"));
  EXPECT_THAT(
      error_of([&] {
        render_structures({a, a}, "text", {}, "w");
      }),
      HasSubstr("results databases '" + a.string() + "', '" + a.string() + "': holds no results of a variant 'w'"));
  EXPECT_THROW(render_table1({}, "text"), std::invalid_argument);
}

}  // namespace
}  // namespace crossfade::analysis
