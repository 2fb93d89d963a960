#include "analysis/results/merge.hpp"

#include <SQLiteCpp/Backup.h>
#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <tuple>
#include <utility>

#include "analysis/results/results.hpp"
#include "data/labels/classes.hpp"

namespace crossfade::analysis {
namespace {

constexpr int kStudy = 1;  // id of the one study of the merged database

/// What older versions had no column for, by TABLE.COLUMN; a column that isn't here gets its default.
const std::map<std::string, std::string> kBeforeThereWas = {
    {"stage.plane", "'axial'"}, {"stage.hash", "''"}, {"stage.labels", "'manual'"}};

/// Rows of a table are called `row` in the SQL of values and conditions.
struct Copy {
  std::string table;
  std::map<std::string, std::string> values;  // SQL of those columns that are not copied as they stand
  std::string condition;
};

/// Without generated columns; empty where there is no such table.
std::vector<std::string> columns_of(SQLite::Database& db, const std::string& schema, const std::string& table) {
  SQLite::Statement query(db, "SELECT name FROM pragma_table_info(?, ?)");
  query.bind(1, table);
  query.bind(2, schema);
  std::vector<std::string> names;
  while (query.executeStep()) names.push_back(query.getColumn(0).getString());
  return names;
}

bool source_has(SQLite::Database& db, const std::string& table, const std::string& column) {
  const std::vector<std::string> columns = columns_of(db, "source", table);
  return std::ranges::find(columns, column) != columns.end();
}

void copy_rows(SQLite::Database& db, const Copy& copy) {
  std::map<std::string, std::string> values = copy.values;
  const std::vector<std::string> there = columns_of(db, "source", copy.table);
  if (there.empty()) return;  // of a version without this table
  for (const std::string& column : there) values.emplace(column, "row." + column);

  std::string names, expressions;
  for (const std::string& column : columns_of(db, "main", copy.table)) {
    const auto before = kBeforeThereWas.find(copy.table + "." + column);
    if (!values.contains(column) && before == kBeforeThereWas.end()) continue;
    names += (names.empty() ? "" : ", ") + column;
    expressions += (expressions.empty() ? "" : ", ") + (values.contains(column) ? values[column] : before->second);
  }
  db.exec("INSERT INTO main." + copy.table + " (" + names + ") SELECT " + expressions + " FROM source." + copy.table +
          " AS row WHERE " + copy.condition);
}

/// Rows whose name the merged study lacks, behind those it has.
void copy_by_name(SQLite::Database& db, const std::string& table, const std::string& of_study) {
  std::map<std::string, std::string> values = {
      {"study_id", std::to_string(kStudy)},
      {"position", "(SELECT coalesce(max(position) + 1, 0) FROM main." + table +
                       ") + row_number() OVER (ORDER BY row.position, row.name) - 1"}};
  if (table == "variant") values["id"] = "NULL";  // a new one
  copy_rows(db, {.table = table,
                 .values = values,
                 .condition = of_study + " AND row.name NOT IN (SELECT name FROM main." + table + ")"});
}

/// Added to a file's ids, so that they meet none of the merged study.
std::string shifted(SQLite::Database& db, const std::string& table, const std::string& id) {
  return id + " + " + db.execAndGet("SELECT coalesce(max(id), 0) FROM main." + table).getString();
}

/// Fills `taken` with the trials of the file that the merged study lacks, or has with less, and removes the latter.
/// Those of rows that are `given_up` are not in the grid.
void choose_trials(SQLite::Database& db, const std::string& of_study) {
  const std::string variant =
      "(SELECT v.id FROM main.variant AS v JOIN source.variant AS o USING (name) WHERE o.id = row.variant_id)";
  const std::string in_grid =
      "(row.in_grid AND row.variant_id NOT IN (SELECT id FROM source.variant WHERE name IN (SELECT name FROM "
      "given_up)))";
  const auto epochs = [](const std::string& schema, const std::string& trial) {
    return "(SELECT count(*) FROM " + schema + ".stage AS s JOIN " + schema +
           ".epoch AS e ON e.stage_id = s.id WHERE s.trial_id = " + trial + ".id)";
  };
  db.exec("UPDATE main.trial SET in_grid = 1, variant_id = " + variant +
          " FROM source.trial AS row WHERE row.hash = trial.hash AND " + in_grid + " AND trial.in_grid = 0 AND " +
          of_study);
  db.exec("DELETE FROM taken");
  db.exec("INSERT INTO taken SELECT row.id, coalesce(mine.id, " + shifted(db, "trial", "row.id") +
          "), coalesce(mine.variant_id, " + variant + "), coalesce(mine.in_grid, " + in_grid +
          ")"
          " FROM source.trial AS row LEFT JOIN main.trial AS mine ON mine.hash = row.hash WHERE " +
          of_study + " AND (mine.id IS NULL OR (row.state = 'finished', " + epochs("source", "row") +
          ") > (mine.state = 'finished', " + epochs("main", "mine") + "))");
  db.exec("DELETE FROM main.trial WHERE id IN (SELECT merged_id FROM taken)");
}

void copy_trials(SQLite::Database& db, const std::string& provenance, Scores scores) {
  const auto of_taken = [](const std::string& column, const std::string& id) {
    return "(SELECT " + column + " FROM taken WHERE taken.id = " + id + ")";
  };
  const std::string stages = "(SELECT id FROM source.stage WHERE trial_id IN (SELECT id FROM taken))";
  const std::string epochs = "(SELECT id FROM source.epoch WHERE stage_id IN " + stages + ")";
  const std::string stage = shifted(db, "stage", ""), epoch = shifted(db, "epoch", "");

  copy_rows(db, {.table = "trial",
                 .values = {{"id", of_taken("merged_id", "row.id")},
                            {"study_id", std::to_string(kStudy)},
                            {"variant_id", of_taken("variant_id", "row.id")},
                            {"in_grid", of_taken("in_grid", "row.id")},
                            {"provenance_id", provenance}},
                 .condition = "row.id IN (SELECT id FROM taken)"});
  copy_rows(db, {.table = "stage",
                 .values = {{"id", "row.id" + stage}, {"trial_id", of_taken("merged_id", "row.trial_id")}},
                 .condition = "row.id IN " + stages});
  copy_rows(db, {.table = "epoch",
                 .values = {{"id", "row.id" + epoch}, {"stage_id", "row.stage_id" + stage}},
                 .condition = "row.stage_id IN " + stages});
  copy_rows(db, {.table = "epoch_term",
                 .values = {{"epoch_id", "row.epoch_id" + epoch}},
                 .condition = "row.epoch_id IN " + epochs});
  if (scores == Scores::kAll)
    copy_rows(
        db,
        {.table = "dice", .values = {{"epoch_id", "row.epoch_id" + epoch}}, .condition = "row.epoch_id IN " + epochs});
  const std::string metric = scores == Scores::kTestDice ? " AND row.metric = 'dice'" : "";
  copy_rows(db, {.table = "subject_score",
                 .values = {{"stage_id", "row.stage_id" + stage}},
                 .condition = "row.stage_id IN " + stages + metric});
  copy_rows(db, {.table = "subject_time",
                 .values = {{"stage_id", "row.stage_id" + stage}},
                 .condition = "row.stage_id IN " + stages});
}

/// Rows of the attached file's `structure` that are of the study; before version 6 all studies had the same.
std::string of_study_classes(SQLite::Database& db, const std::string& of_study) {
  return source_has(db, "structure", "study_id") ? of_study : "TRUE";
}

/// How the classes of the attached file's study differ from the merged one's; empty where they don't.
std::string class_difference(SQLite::Database& db, const std::string& of_study) {
  SQLite::Statement query(
      db, "SELECT row.name FROM source.structure AS row WHERE " + of_study_classes(db, of_study) + " ORDER BY row.id");
  std::vector<std::string> names;
  while (query.executeStep()) names.push_back(query.getColumn(0).getString());
  return data::class_difference(names, class_names(db, kStudy));
}

/// As within one database: nets that were trained and another tool's labels are no seeds of one variant.
void require_like_sources(SQLite::Database& db, const std::string& of_study, const std::filesystem::path& file,
                          const std::filesystem::path& first) {
  if (!source_has(db, "variant", "source")) return;  // of a version before tools were scored
  SQLite::Statement query(
      db,
      "SELECT row.name, row.source FROM source.variant AS row JOIN main.variant AS mine USING (name)"
      " WHERE mine.source <> row.source AND " +
          of_study);
  if (!query.executeStep()) return;
  const bool scored = query.getColumn(1).getString() == "score";
  throw database_error(file, "'" + query.getColumn(0).getString() + "' is " +
                                 (scored ? "from `runner score` here and of the grid in '"
                                         : "of the grid here and from `runner score` in '") +
                                 first.string() + "'; give the scores another name");
}

/// The candidates of a study of one of the two databases.
struct Candidates {
  std::string schema;
  std::int64_t study;
};

/// SQL of the rows that the search of `mine` found, and that of `others` did not, or as another schedule.
std::string found_by_one_alone(const Candidates& mine, const Candidates& others) {
  const auto of = [](const Candidates& one, const std::string& row) {
    return row + ".study_id = " + std::to_string(one.study);
  };
  return "SELECT c.variant FROM " + mine.schema + ".candidate AS c JOIN " + mine.schema +
         ".search AS s USING (study_id) WHERE " + of(mine, "c") +
         " AND (c.variant = s.options ->> 'name' OR instr(c.variant, (s.options ->> 'name') || ' (') = 1)"
         " AND NOT EXISTS (SELECT 1 FROM " +
         others.schema + ".candidate AS o WHERE " + of(others, "o") +
         " AND o.variant = c.variant AND o.settings = c.settings)";
}

/// Parts of one study have one search: one that has ended, then that which has tried most, of equal ones the first.
/// What the other one found is no row of the study: on another processor another schedule may have come first, and
/// their trials are no seeds of one. Fills `given_up` with such rows of the attached file.
void take_longer_search(SQLite::Database& db, std::int64_t id) {
  constexpr std::array kTables = {"search", "candidate", "candidate_trial"};
  const std::string of_study = "row.study_id = " + std::to_string(id);
  db.exec("DELETE FROM given_up");
  if (!source_has(db, "search", "method")) return;
  const auto rows = [&](const std::string& table, const std::string& condition) {
    return db.execAndGet("SELECT count(*) FROM " + table + " AS row WHERE " + condition).getInt();
  };
  const auto worth = [&](const std::string& schema, const std::string& condition) {
    return std::tuple(rows(schema + ".search", condition),
                      rows(schema + ".candidate", condition + " AND row.variant IS NOT NULL") > 0,
                      rows(schema + ".candidate", condition));
  };
  const Candidates merged{"main", kStudy}, of_file{"source", id};
  if (worth("source", of_study) <= worth("main", "true")) {
    db.exec("INSERT INTO given_up " + found_by_one_alone(of_file, merged));
    return;
  }
  db.exec("UPDATE main.trial SET in_grid = 0 WHERE variant_id IN (SELECT id FROM main.variant WHERE name IN (" +
          found_by_one_alone(merged, of_file) + "))");
  for (const char* table : kTables) db.exec(std::string("DELETE FROM main.") + table);
  for (const char* table : kTables)
    copy_rows(db, {.table = table, .values = {{"study_id", std::to_string(kStudy)}}, .condition = of_study});
}

/// Adds what the attached file `source`, called `file`, has of its study `id`. Throws std::runtime_error where its
/// classes are not those of the study in the `first` file, and for a variant that is of the grid in one alone.
void add(SQLite::Database& db, std::int64_t id, const std::filesystem::path& file, const std::filesystem::path& first,
         Scores scores) {
  const std::string of_study = "row.study_id = " + std::to_string(id);
  const std::string study = std::to_string(kStudy);
  if (db.execAndGet("SELECT count(*) FROM main.study").getInt() == 0) {
    copy_rows(db, {.table = "study", .values = {{"id", study}}, .condition = "row.id = " + std::to_string(id)});
    copy_rows(db, {.table = "structure", .values = {{"study_id", study}}, .condition = of_study_classes(db, of_study)});
  } else if (const std::string difference = class_difference(db, of_study); !difference.empty()) {
    throw database_error(file, "its study is of other classes than that of '" + first.string() + "': " + difference +
                                   "; scores of unlike classes are no one study");
  }
  const std::string provenance = shifted(db, "provenance", "");
  copy_rows(
      db,
      {.table = "provenance", .values = {{"id", "row.id" + provenance}, {"study_id", study}}, .condition = of_study});
  require_like_sources(db, of_study, file, first);
  copy_by_name(db, "variant", of_study);
  copy_by_name(db, "claim", of_study);
  copy_rows(db, {.table = "person",
                 .values = {{"study_id", study}},
                 .condition = of_study + " AND row.subject NOT IN (SELECT subject FROM main.person)"});
  copy_rows(db, {.table = "subject",
                 .values = {{"study_id", study}},
                 .condition = of_study + " AND row.name NOT IN (SELECT name FROM main.subject)"});
  take_longer_search(db, id);
  choose_trials(db, of_study);
  copy_trials(db, "row.provenance_id" + provenance, scores);
}

std::string schema_text(SQLite::Database& db) {
  std::string text;
  SQLite::Statement query(db, "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name");
  while (query.executeStep()) text += query.getColumn(0).getString() + ": " + query.getColumn(1).getString() + "\n";
  return text;
}

/// An empty database in memory.
SQLite::Database in_memory() {
  return {":memory:", SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE | SQLite::OPEN_URI, kBusyMilliseconds};
}

/// The file as it stands, where that is what merging it alone would give: it holds one study, and its tables and views
/// are word for word this program's. Page by page, which takes a tenth of the time of row by row.
std::optional<SQLite::Database> copy_whole(const std::filesystem::path& file, const std::string& study) {
  SQLite::Database source = open_to_read(file);
  return with_errors(file, "reading the study", [&]() -> std::optional<SQLite::Database> {
    SQLite::Transaction snapshot(source);
    find_study(source, file, study);
    if (source.execAndGet("SELECT count(*) FROM study").getInt() > 1) return std::nullopt;
    SQLite::Database ours = in_memory();
    create_schema(ours);
    if (schema_text(source) != schema_text(ours)) return std::nullopt;

    SQLite::Database db = in_memory();
    db.exec("PRAGMA page_size = " + source.execAndGet("PRAGMA page_size").getString());  // of memory it can't change
    if (const int code = SQLite::Backup(db, source).executeStep(); code != SQLITE_DONE)
      throw SQLite::Exception(sqlite3_errstr(code), code);
    return db;
  });
}

/// Makes tables of the views that every table and figure stands on. SQLite would evaluate them again for each query,
/// and over all of the study, whatever the query asks for.
void keep_views(SQLite::Database& db, Scores scores) {
  db.exec("PRAGMA legacy_alter_table = ON");  // views on one that has just gone are no error
  // Without persons scans are what structure_score has, and evaluating it takes twice as long.
  const bool persons = db.execAndGet("SELECT EXISTS (SELECT * FROM person)").getInt() == 1;
  const std::string scores_view = persons ? "structure_score" : "scan_score";
  const std::string of_metric = scores == Scores::kTestDice ? " WHERE metric = 'dice'" : "";
  const std::pair<std::string, std::string> kept[] = {
      {"counted_stage", "counted_stage"},  // each stands on those before
      {"structure_score", scores_view + of_metric},
      {"subject_dice", "subject_dice"},
      {"table1_cell", "table1_cell"}};
  for (const auto& [view, rows] : kept) {
    db.exec("CREATE TABLE main.kept AS SELECT * FROM main." + rows);
    db.exec("DROP VIEW main." + view);
    db.exec("ALTER TABLE main.kept RENAME TO " + view);
  }
}

/// Fills the empty `db` with this program's schema and, row by row, what every file has of the study.
void add_all(SQLite::Database& db, const std::vector<std::filesystem::path>& files, const std::string& study,
             Scores scores) {
  create_schema(db);
  db.exec("PRAGMA foreign_keys = ON");  // a trial goes with its stages
  db.exec("CREATE TEMP TABLE taken (id INTEGER PRIMARY KEY, merged_id INTEGER, variant_id INTEGER, in_grid INTEGER)");
  db.exec("CREATE TEMP TABLE given_up (name TEXT)");
  std::string name = study;
  for (const std::filesystem::path& file : files) {
    const StudyRow found = [&] {
      SQLite::Database source = open_to_read(file);  // rolls back what a killed writer left, and checks the version
      return with_errors(file, "looking for the study", [&] { return find_study(source, file, name); });
    }();
    name = found.name;
    with_errors(file, "reading study '" + name + "'", [&] {
      SQLite::Statement attach(db, "ATTACH ? AS source");
      attach.bind(1, attachable(file));
      attach.exec();
      SQLite::Transaction snapshot(db);
      add(db, found.id, file, files.front(), scores);
      snapshot.commit();
      db.exec("DETACH source");
    });
  }
}

}  // namespace

SQLite::Database merge_study(const std::vector<std::filesystem::path>& files, const std::string& study, Scores scores) {
  if (files.empty()) throw std::invalid_argument("no results database to read; name at least one file");
  std::optional<SQLite::Database> whole = files.size() == 1 ? copy_whole(files.front(), study) : std::nullopt;
  SQLite::Database db = whole ? std::move(*whole) : in_memory();
  db.exec("PRAGMA temp_store = MEMORY");   // what is sorted, too: the study is in memory anyway
  db.exec("PRAGMA cache_size = -200000");  // KiB: sorted in one piece up to here
  if (!whole) add_all(db, files, study, scores);
  with_errors(files, "evaluating the study", [&] { keep_views(db, scores); });
  return db;
}

}  // namespace crossfade::analysis
