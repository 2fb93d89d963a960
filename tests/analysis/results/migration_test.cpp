// Files of older versions, made by the schema of that time: read, and brought to this version.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <SQLiteCpp/SQLiteCpp.h>

#include <nlohmann/json.hpp>

#include "analysis/tables/report.hpp"
#include "tests/analysis/study.hpp"

namespace crossfade::analysis {
namespace {

using testing::HasSubstr;

constexpr int kNow = 13;

/// All rows of a query, a cell as text.
std::vector<std::vector<std::string>> rows_of(const std::filesystem::path& file, const std::string& sql) {
  SQLite::Database db(file.string());
  SQLite::Statement query(db, sql);
  std::vector<std::vector<std::string>> rows;
  while (query.executeStep()) {
    auto& cells = rows.emplace_back();
    for (int c = 0; c < query.getColumnCount(); ++c)
      cells.push_back(query.getColumn(c).isNull() ? "NULL" : query.getColumn(c).getString());
  }
  return rows;
}

std::string cell(const std::filesystem::path& file, const std::string& sql) {
  return rows_of(file, sql).at(0).at(0);
}

/// What stands in a view's columns that the file has, and in its order.
std::string columns_of(const std::filesystem::path& file, const std::string& table) {
  return cell(file, "SELECT group_concat(name) FROM pragma_table_info('" + table + "')");
}

/// Columns, keys and foreign keys of all tables and views, however they are written.
std::vector<std::vector<std::string>> shape_of(const std::filesystem::path& file) {
  const std::string tables = " FROM sqlite_master AS t, ", named = " WHERE t.name NOT LIKE 'sqlite_%' ORDER BY 1, 2, 3";
  std::vector<std::vector<std::string>> shape;
  for (const std::string& sql :
       {"SELECT t.name, c.*" + tables + "pragma_table_xinfo(t.name) AS c" + named,
        "SELECT t.name, f.*" + tables + "pragma_foreign_key_list(t.name) AS f" + named,
        "SELECT t.name, i.\"unique\", group_concat(c.name)" + tables +
            "pragma_index_list(t.name) AS i, pragma_index_info(i.name) AS c WHERE t.name NOT LIKE 'sqlite_%'"
            " GROUP BY t.name, i.name ORDER BY 1, 2, 3",
        "SELECT t.name, t.ncol, t.wr, t.strict FROM pragma_table_list AS t" + named})
    for (auto& row : rows_of(file, sql)) shape.push_back(std::move(row));
  return shape;
}

class OlderVersion : public testing::TestWithParam<int> {
 protected:
  OlderVersion() {
    SQLite::Database db(file.string(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
    const auto run = [&](const char* part) {
      db.exec(read_text(std::filesystem::path(CROSSFADE_TESTS) / "results" / part));
    };
    if (GetParam() < 6) {
      run("version_5.sql");
      run("older_rows.sql");
    } else {
      run("version_6.sql");
      db.exec("CREATE TEMP TABLE structure (id, name)");  // takes the rows of that name
      run("older_rows.sql");
      db.exec(
          "INSERT INTO main.structure SELECT study.id, s.id, s.name FROM study CROSS JOIN temp.structure AS s;"
          "DROP TABLE temp.structure; UPDATE epoch SET seconds_communication = 0.5 WHERE id = 2");
    }
    if (GetParam() > 6)
      for (const std::string column : {"seconds_buckets", "seconds_loss_sums", "seconds_norm_sums"})
        db.exec("ALTER TABLE epoch ADD COLUMN " + column + " REAL");
    if (GetParam() > 7)
      db.exec(
          "CREATE TABLE person (study_id INTEGER NOT NULL REFERENCES study ON DELETE CASCADE, subject TEXT NOT NULL,"
          " person TEXT NOT NULL, PRIMARY KEY (study_id, subject)) STRICT, WITHOUT ROWID;"
          "INSERT INTO person VALUES (1, 'scan of nobody', 'nobody')");
    if (GetParam() > 8) db.exec("ALTER TABLE epoch ADD COLUMN seconds_shared REAL");
    if (GetParam() > 9) run("search_of_version_10.sql");
    if (GetParam() > 10) run("activity_of_version_11.sql");
    if (GetParam() > 11)
      db.exec(
          "CREATE TABLE subject (study_id INTEGER NOT NULL REFERENCES study ON DELETE CASCADE, name TEXT NOT NULL,"
          " PRIMARY KEY (study_id, name)) STRICT, WITHOUT ROWID; INSERT INTO subject VALUES (1, 'nobody')");
    if (GetParam() < 5)
      db.exec("ALTER TABLE claim DROP COLUMN most_in");
    else
      db.exec("UPDATE claim SET most_in = 'Left-Cerebral-White-Matter'");
    if (GetParam() < 4)
      db.exec("DROP TABLE subject_time");
    else
      db.exec("INSERT INTO subject_time VALUES (1, 'a', 60)");
    db.exec("PRAGMA application_id = 1131562596; PRAGMA user_version = " + std::to_string(GetParam()));
  }

  TemporaryFolder folder;
  std::filesystem::path file = folder / "older.sqlite";
};

TEST_P(OlderVersion, IsReadAndLeftAsItIs) {
  const std::string before = read_text(file);
  const auto rows = nlohmann::json::parse(render_table1({file}, "json"))["rows"];
  ASSERT_EQ(rows.size(), 2u) << "of the study that ran last";
  EXPECT_DOUBLE_EQ(rows[0]["pretrained_dice"].get<double>(), 0.75);  // a: 0.6 and 0.6; b: 0.8 and 1
  EXPECT_EQ(rows[0]["pretrained_left_out"], 2);
  EXPECT_EQ(rows[1]["finetuned_dice"], 0.9);
  EXPECT_THAT(render_structures({file}, "csv"), HasSubstr("\nLeft-Cerebral-White-Matter,1,0.05,0.9,"));
  EXPECT_THAT(render_structures({file}, "csv"), HasSubstr("\nRight-VentralDC,0,"));
  EXPECT_THAT(render_claims({file}, "csv"), HasSubstr(GetParam() < 5 ? ",\n" : ",Left-Cerebral-White-Matter\n"));
  EXPECT_EQ(read_text(file), before);
}

TEST_P(OlderVersion, KeepsItsRowsWhenItIsBroughtToThisOne) {
  std::vector<std::pair<std::string, std::vector<std::vector<std::string>>>> before;
  std::vector<std::string> tables = {"table1", "figure1", "figure2", "dice", "subject_score",
                                     "epoch",  "stage",   "trial",   "claim"};
  if (GetParam() > 3) tables.push_back("subject_time");
  if (GetParam() > 7) tables.push_back("person");
  if (GetParam() > 9) tables.insert(tables.end(), {"search", "candidate", "candidate_trial"});
  if (GetParam() > 10) tables.push_back("activity");
  if (GetParam() > 11) tables.push_back("subject");
  for (const std::string& table : tables) {
    const std::string sql = "SELECT " + columns_of(file, table) + " FROM " + table;
    before.emplace_back(sql, rows_of(file, sql));
    EXPECT_FALSE(before.back().second.empty()) << sql;
  }
  std::vector<std::string> reports;
  for (const auto* format : {"json", "text"})
    for (const auto* study : {"first", "second"}) reports.push_back(render_table1({file}, format, study));

  { ResultsDatabase db(file); }
  EXPECT_EQ(cell(file, "PRAGMA user_version"), std::to_string(kNow));
  for (const auto& [sql, rows] : before) EXPECT_EQ(rows_of(file, sql), rows) << sql;
  for (const auto* format : {"json", "text"})
    for (const auto* study : {"first", "second"}) {
      EXPECT_EQ(render_table1({file}, format, study), reports.front());
      reports.erase(reports.begin());
    }
  EXPECT_TRUE(rows_of(file, "PRAGMA foreign_key_check").empty());
  EXPECT_EQ(cell(file, "PRAGMA integrity_check"), "ok");
  EXPECT_EQ(
      rows_of(file, "SELECT study_id, count(*), min(name), max(id) FROM structure GROUP BY study_id"),
      (std::vector<std::vector<std::string>>{{"1", "28", "3rd-Ventricle", "27"}, {"2", "28", "3rd-Ventricle", "27"}}));
  EXPECT_EQ(cell(file, "SELECT sum(seconds_communication) FROM epoch"), GetParam() < 6 ? "NULL" : "0.5");
  EXPECT_EQ(cell(file,
                 "SELECT count(seconds_checkpoint) + count(seconds_buckets) + count(seconds_loss_sums)"
                 " + count(seconds_norm_sums) + count(seconds_shared) FROM epoch"),
            "0");
  EXPECT_EQ(cell(file, "SELECT count(seconds_score) FROM stage"), "0");
}

TEST_P(OlderVersion, HasTheTablesOfANewFileThen) {
  { ResultsDatabase db(file); }
  { ResultsDatabase db(folder / "new.sqlite"); }
  EXPECT_EQ(shape_of(file), shape_of(folder / "new.sqlite"));
}

TEST_P(OlderVersion, GoesOnWithItsStudies) {
  TrialRecord trial = trial_record("base", 1);
  trial.hash = "h4";  // as in the file
  trial.stages[0].hash = "s5";
  std::mt19937 random(1);
  ResultsDatabase db(file);
  const auto found = db.begin(study_record("second"), provenance(), {trial})[0];
  EXPECT_EQ(found.state, TrialState::kInterrupted);
  EpochRecord epoch = epoch_record(random, 2, 0.5);
  epoch.overhead = {.communication = 0.25, .buckets = 0.125};
  db.record_epoch(found.id, epoch);
  EXPECT_EQ(rows_of(file,
                    "SELECT epoch, seconds_checkpoint, seconds_communication, seconds_buckets, seconds_loss_sums"
                    " FROM figure1 WHERE study = 'second'"),
            (std::vector<std::vector<std::string>>{{"1", "NULL", "NULL", "NULL", "NULL"},
                                                   {"2", "NULL", "0.25", "0.125", "NULL"}}));
  EXPECT_EQ(cell(file, "SELECT count(*) FROM dice WHERE epoch_id = (SELECT max(id) FROM epoch)"), "27");
  EXPECT_TRUE(rows_of(file, "PRAGMA foreign_key_check").empty());
}

TEST_P(OlderVersion, IsRefusedAndLeftAsItIsWhereARowRefersToNothing) {
  {
    SQLite::Database db(file.string(), SQLite::OPEN_READWRITE);
    db.exec("PRAGMA foreign_keys = OFF; UPDATE trial SET variant_id = 99 WHERE id = 4");
  }
  const auto before = rows_of(file, "SELECT name, sql FROM sqlite_master");
  EXPECT_THAT(error_of([&] { ResultsDatabase db(file); }),
              HasSubstr("older.sqlite': can't be brought to this version: a row of its table 'trial' refers to one of "
                        "'variant' that is not there"));
  EXPECT_EQ(rows_of(file, "SELECT name, sql FROM sqlite_master"), before);
  EXPECT_EQ(cell(file, "PRAGMA user_version"), std::to_string(GetParam()));
}

INSTANTIATE_TEST_SUITE_P(Results, OlderVersion, testing::Values(3, 4, 5, 6, 7, 8, 9, 10, 11, 12),
                         [](const auto& version) { return std::to_string(version.param); });

}  // namespace
}  // namespace crossfade::analysis
