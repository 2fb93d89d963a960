// The reference of all keys, made from the descriptions beside the structs.
#include "runner/grid/grid.hpp"
#include "runner/grid/keys.hpp"
#include "runner/grid/parameter_table.hpp"

namespace crossfade::runner {
namespace {

template <std::size_t N>
std::vector<ParameterRow> rows_of(const std::array<GridKey, N>& keys) {
  std::vector<ParameterRow> rows;
  for (const GridKey& key : keys) rows.push_back({key.key, key.takes, key.otherwise, key.help});
  return rows;
}

std::vector<ParameterRow> rows_of(const std::vector<std::pair<std::string, std::string>>& names, const char* takes) {
  std::vector<ParameterRow> rows;
  for (const auto& [name, help] : names) rows.push_back({name, takes, "", help});
  return rows;
}

std::vector<ParameterRow> joined(std::vector<ParameterRow> rows, const std::vector<ParameterRow>& more) {
  rows.insert(rows.end(), more.begin(), more.end());
  return rows;
}

std::string section(const std::string& title, const std::vector<ParameterRow>& rows) {
  return "### " + title + "\n\n" + markdown_table(rows) + "\n";
}

}  // namespace

std::string grid_reference() {
  return section("The grid", rows_of(kRootKeys)) + section("cohorts.NAME", parameter_rows<data::CohortSpec>()) +
         section("defaults, variants.NAME", rows_of(kSettingsKeys)) + section("atlas", parameter_rows<AtlasOptions>()) +
         section("model", parameter_rows<model::ModelOptions>()) +
         section("optimizer", parameter_rows<OptimizerOptions>()) +
         section("loss: terms", rows_of(schedules::term_names(), "weight or {SHAPE: {PROGRESS: WEIGHT, ...}}")) +
         section("loss: shapes", rows_of(schedules::shape_names(), "{PROGRESS: WEIGHT, ...}")) +
         section("loss_options", parameter_rows<schedules::LossOptions>()) +
         section("views", parameter_rows<ViewOptions>()) +
         section("stages.NAME", joined(parameter_rows<StageOptions>(), rows_of(kStageKeys))) +
         section("search", joined(rows_of(kSearchKeys), parameter_rows<SearchOptions>())) +
         section("search.space.NAME", parameter_rows<RangeOptions>()) +
         section("claims.NAME", parameter_rows<analysis::Claim>()) + section("run", parameter_rows<RunOptions>());
}

}  // namespace crossfade::runner
