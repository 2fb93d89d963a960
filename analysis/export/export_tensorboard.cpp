#include <cctype>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>

#include "analysis/export/event_file.hpp"
#include "analysis/export/export.hpp"
#include "analysis/results/merge.hpp"
#include "analysis/tables/text_table.hpp"
#include "data/publish.hpp"

namespace crossfade::analysis {
namespace {

namespace fs = std::filesystem;

constexpr const char* kTestDice = "dice/test";
constexpr std::size_t kLongestName = 120;  // bytes of a folder's

/// Readable, and a name on any file system: what is neither a letter nor a digit nor harmless becomes _.
std::string folder_name(const std::string& text) {
  std::string out;
  for (const char c : text.substr(0, kLongestName)) {
    const auto byte = static_cast<unsigned char>(c);
    out += std::isalnum(byte) != 0 || byte >= 0x80 || std::string(" +-.,()=").find(c) != std::string::npos ? c : '_';
  }
  while (!out.empty() && (out.back() == '.' || out.back() == ' ')) out.pop_back();
  return out.empty() ? "_" : out;
}

/// A net that was trained: of a trial with several planes one of each.
struct Run {
  std::int64_t trial = 0;
  std::string variant, plane, config, model, loss;
  std::int64_t seed = 0;
  int fold = 0;
  bool finished = false;
};

std::vector<Run> runs_of(SQLite::Database& db, std::int64_t study) {
  SQLite::Statement query(db,
                          "SELECT DISTINCT t.id, v.name, s.plane, t.config, v.model, v.loss, t.seed, t.fold,"
                          " t.state = 'finished', v.position FROM epoch AS e JOIN stage AS s ON s.id = e.stage_id"
                          " JOIN trial AS t ON t.id = s.trial_id JOIN variant AS v ON v.id = t.variant_id"
                          " WHERE t.study_id = ? AND t.in_grid = 1 ORDER BY v.position, t.fold, t.seed, s.plane");
  query.bind(1, study);
  std::vector<Run> runs;
  while (query.executeStep())
    runs.push_back({.trial = query.getColumn(0).getInt64(),
                    .variant = query.getColumn(1).getString(),
                    .plane = query.getColumn(2).getString(),
                    .config = query.getColumn(3).getString(),
                    .model = query.getColumn(4).getString(),
                    .loss = query.getColumn(5).getString(),
                    .seed = query.getColumn(6).getInt64(),
                    .fold = query.getColumn(7).getInt(),
                    .finished = query.getColumn(8).getInt() != 0});
  return runs;
}

/// Numbers, texts and flags of the trial's configuration by path, lists as text; without its loss and its stages' own,
/// which are curves.
void flatten(const nlohmann::json& value, const std::string& path, std::map<std::string, Hyperparameter>& into) {
  if (value.is_object()) {
    for (const auto& [name, member] : value.items())
      if (name != "loss") flatten(member, path.empty() ? name : path + "." + name, into);
  } else if (value.is_number()) {
    into[path] = value.get<double>();
  } else if (value.is_boolean()) {
    into[path] = value.get<bool>();
  } else if (value.is_string()) {
    into[path] = value.get<std::string>();
  } else if (value.is_array() && !value.empty() && value.front().is_object() && value.front().contains("name")) {
    for (const auto& member : value) flatten(member, path + "." + member.at("name").get<std::string>(), into);
  } else if (!value.is_null()) {
    into[path] = value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  }
}

std::map<std::string, Hyperparameter> hyperparameters_of(const Run& run) {
  std::map<std::string, Hyperparameter> values;
  flatten(nlohmann::json::parse(run.config), "", values);
  values["variant"] = run.variant;
  values["net"] = run.model;
  values["loss"] = run.loss;
  values["seed"] = static_cast<double>(run.seed);
  values["fold"] = static_cast<double>(run.fold);
  return values;
}

/// The run's epochs, with the step they have in the file: over all stages of this plane.
constexpr const char* kEpochs =
    "WITH own AS (SELECT s.id, s.name, sum(s.epochs) OVER (ORDER BY s.position) - s.epochs AS before FROM stage AS s"
    " WHERE s.trial_id = :trial AND s.plane = :plane) ";

SQLite::Statement of_run(SQLite::Database& db, const Run& run, const std::string& sql) {
  SQLite::Statement query(db, kEpochs + sql);
  query.bind(":trial", run.trial);
  query.bind(":plane", run.plane);
  return query;
}

void write_scalars(SQLite::Database& db, const Run& run, EventFile& file) {
  constexpr std::pair<int, const char*> kColumns[] = {
      {2, "dice/validation"}, {3, "loss"}, {4, "learning_rate"}, {5, "gradient_norm"}, {6, "images_per_second"}};
  constexpr const char* kTime = "(julianday(e.recorded) - 2440587.5) * 86400";
  SQLite::Statement epochs = of_run(db, run,
                                    std::string("SELECT ") + kTime +
                                        ", own.before + e.epoch AS step, e.dice_mean, e.loss, e.learning_rate,"
                                        " e.gradient_norm, e.images / nullif(e.seconds_train, 0) FROM own"
                                        " JOIN epoch AS e ON e.stage_id = own.id ORDER BY step");
  while (epochs.executeStep())
    for (const auto& [column, tag] : kColumns)
      if (!epochs.getColumn(column).isNull())
        file.scalar(tag, epochs.getColumn(0).getDouble(), epochs.getColumn(1).getInt64(),
                    epochs.getColumn(column).getDouble());
  SQLite::Statement terms = of_run(db, run,
                                   std::string("SELECT ") + kTime +
                                       ", own.before + e.epoch AS step, m.term, m.value, m.weight FROM own"
                                       " JOIN epoch AS e ON e.stage_id = own.id"
                                       " JOIN epoch_term AS m ON m.epoch_id = e.id ORDER BY step, m.term");
  while (terms.executeStep())
    for (const auto& [column, tag] : {std::pair{3, "value/"}, {4, "weight/"}})
      if (!terms.getColumn(column).isNull())
        file.scalar(tag + terms.getColumn(2).getString(), terms.getColumn(0).getDouble(), terms.getColumn(1).getInt64(),
                    terms.getColumn(column).getDouble());
  SQLite::Statement structures =
      of_run(db, run,
             std::string("SELECT ") + kTime +
                 ", own.before + e.epoch AS step, st.name, d.dice FROM own"
                 " JOIN epoch AS e ON e.stage_id = own.id JOIN dice AS d ON d.epoch_id = e.id"
                 " JOIN structure AS st ON st.id = d.structure_id"
                 " WHERE d.dice IS NOT NULL ORDER BY step, st.id");
  while (structures.executeStep())
    file.scalar("dice/" + structures.getColumn(2).getString(), structures.getColumn(0).getDouble(),
                structures.getColumn(1).getInt64(), structures.getColumn(3).getDouble());
  SQLite::Statement tested =
      of_run(db, run,
             std::string("SELECT max(") + kTime +
                 "), own.before + max(e.epoch) AS step, (SELECT avg(d.dice) FROM subject_dice AS d"
                 "  WHERE d.trial_id = :trial AND d.part = 'test' AND d.role ="
                 "  CASE own.name WHEN 'finetune' THEN 'finetuned' ELSE 'pretrained' END) AS dice"
                 " FROM own JOIN epoch AS e ON e.stage_id = own.id"
                 " WHERE own.name = 'finetune' OR own.before = (SELECT max(o.before) FROM own AS o"
                 "  WHERE o.name <> 'finetune') GROUP BY own.id ORDER BY step");
  while (tested.executeStep())
    if (!tested.getColumn(2).isNull())
      file.scalar(kTestDice, tested.getColumn(0).getDouble(), tested.getColumn(1).getInt64(),
                  tested.getColumn(2).getDouble());
}

double begin_of(SQLite::Database& db, const Run& run) {
  SQLite::Statement query =
      of_run(db, run,
             "SELECT min((julianday(e.recorded) - 2440587.5) * 86400 - e.seconds_train - e.seconds_validate) FROM own"
             " JOIN epoch AS e ON e.stage_id = own.id");
  query.executeStep();
  return query.getColumn(0).getDouble();
}

}  // namespace

std::vector<fs::path> export_tensorboard(const std::vector<fs::path>& databases, const fs::path& folder,
                                         const std::string& study) {
  return read_study(
      databases, study, "exporting for TensorBoard",
      [&](SQLite::Database& db, const StudyRow& found) {
        std::vector<fs::path> folders;
        std::set<std::string> taken;
        for (const Run& run : runs_of(db, found.id)) {
          std::string name = folder_name(run.variant) + ", " + seed_and_fold(run.seed, run.fold) +
                             (run.plane == "axial" ? "" : ", " + run.plane);
          while (!taken.insert(name).second) name += "_";  // of names that differ in what a folder's can't hold
          folders.push_back(folder / name);
          data::make_folders(folders.back());
          const double begin = begin_of(db, run);
          EventFile file((folders.back() / "events.out.tfevents.crossfade").string(), begin);
          if (run.finished) file.hyperparameters(begin, hyperparameters_of(run), {kTestDice, "dice/validation"});
          write_scalars(db, run, file);
          file.finish();
        }
        if (folders.empty()) throw database_error(databases, "study '" + found.name + "' has no epoch to export yet");
        return folders;
      },
      Scores::kAll);
}

}  // namespace crossfade::analysis
