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
  if (study.search) std::ranges::copy(search_claims(study), std::back_inserter(study.claims));
  return study;
}

}  // namespace crossfade::runner
