#include "runner/grid/grid.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <sstream>

#include "data/utf8.hpp"
#include "runner/grid/expand.hpp"
#include "runner/grid/parameter_reader.hpp"
#include "runner/grid/path.hpp"
#include "runner/grid/search_reader.hpp"
#include "runner/grid/search_trials.hpp"
#include "runner/grid/settings.hpp"

namespace crossfade::runner {
namespace {

std::string read_text_file(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  if (!stream || std::filesystem::is_directory(file))
    throw GridError(file.string() + ": no grid can be read from there");
  return text.str();
}

/// Texts of a grid are stored in databases and checkpoints, which take UTF-8.
void require_utf8(const std::string& text, const std::string& source) {
  std::istringstream lines(text);
  int number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    if (data::valid_utf8(line) != line) refuse({source, number, 1}, "holds bytes that are no UTF-8, expected UTF-8");
  }
}

/// Those that the grid has not; each is tested once. `claims`: of the grid, or nullptr.
void add_search_claims(Study& study, const Value* claims) {
  for (analysis::Claim& claim : search_claims(study)) {
    const auto is_same = [&](const analysis::Claim& other) {
      return other.better == claim.better && other.than == claim.than && other.role == claim.role &&
             other.most_in.empty();
    };
    if (std::ranges::any_of(study.claims, is_same)) continue;
    if (const Entry* own = claims == nullptr ? nullptr : claims->find_entry(claim.name))
      refuse(own->place, "'" + claim.name + "' is what the search calls a claim of its own, expected another name");
    study.claims.push_back(std::move(claim));
  }
}

/// The column of a claim is of a stage that both sides have; of what a search finds that is not known yet.
void check_columns(const Study& study, const Value& claims) {
  for (const analysis::Claim& claim : study.claims) {
    const Entry* entry = claims.find_entry(claim.name);
    if (entry == nullptr || claim.role != "finetuned") continue;
    for (const std::string& side : {claim.better, claim.than}) {
      const auto trial = std::ranges::find(study.trials, side, &TrialConfig::variant);
      if (trial == study.trials.end()) continue;
      if (std::ranges::none_of(trial->stages, [](const StageOptions& stage) { return stage.name == "finetune"; }))
        refuse(entry->place, "claims." + claim.name + " is of column finetuned, but '" + side +
                                 "' has no stage finetune, expected one, or column: pretrained");
    }
  }
}

}  // namespace

Study read_grid(const std::filesystem::path& file, const std::vector<std::string>& overrides) {
  return read_grid_text(read_text_file(file), file.string(), overrides);
}

Study read_grid_text(const std::string& text, const std::string& source, const std::vector<std::string>& overrides) {
  require_utf8(text, source);
  for (const std::string& argument : overrides) require_utf8(argument, argument);
  Value grid = parse_document(text, source);
  if (!grid.is_map()) refuse(grid.place, "expected a map with study, cohorts and variants, not " + in_words(grid));
  for (const std::string& argument : overrides) apply_override(grid, argument);

  ParameterReader reader(grid, "");
  const Value* study_name = reader.take("study");
  Study study;
  reader.text("caption", study.caption, "");
  const Value* cohorts = reader.take("cohorts");
  reader.take("defaults");
  const Value* variants = reader.take("variants");
  reader.take("sweep");
  const Value* search = reader.take("search");
  const Value* claims = reader.take("claims");
  reader.group("run", study.run, "");
  reader.finish();
  if (study_name == nullptr) refuse(grid.place, "missing key 'study', expected the name of the study");
  if (cohorts == nullptr) refuse(grid.place, "missing key 'cohorts', expected cohorts: {NAME: {...}}");
  if (variants == nullptr) refuse(grid.place, "missing key 'variants', expected variants: {NAME: {...}}");

  study.name = read_text(*study_name, "study");
  require_name(study.name, study_name->place, "a study");
  study.cohorts = read_cohorts(*cohorts);
  study.trials = expand_trials(grid, study.cohorts);
  study.text = to_yaml(grid);
  if (search != nullptr) study.search = read_search(grid, study);
  if (claims != nullptr) {
    std::vector<std::string> names;
    for (const TrialConfig& trial : study.trials)
      if (names.empty() || names.back() != trial.variant) names.push_back(trial.variant);
    if (study.search) std::ranges::copy(finalist_names(study.search->options), std::back_inserter(names));
    study.claims = read_claims(*claims, names, structures_of(study.cohorts));
  }
  if (study.search) add_search_claims(study, claims);
  if (claims != nullptr) check_columns(study, *claims);
  return study;
}

}  // namespace crossfade::runner
