#include "runner/grid/trial_json.hpp"

#include <algorithm>
#include <stdexcept>

#include "data/hash.hpp"
#include "runner/grid/grid.hpp"
#include "runner/grid/keys.hpp"
#include "runner/grid/parameter_json.hpp"
#include "runner/grid/views.hpp"

namespace crossfade::runner {
namespace {

// Part of every hash. Raise it when a change of the code, or of a default, changes what a trial of the same
// configuration gives.
constexpr int kResultFormat = 6;

constexpr auto kAll = [](const auto& options) { return parameters_json(options); };
constexpr auto kChanged = [](const auto& options) { return changed_parameters_json(options); };

/// What counts of a trial without a net: of its stage, where labels and subjects come from.
template <class Parameters>
nlohmann::json atlas_json(const TrialConfig& trial, Parameters parameters) {
  nlohmann::json json = {{"method", trial.method},
                         {"seed", trial.seed},
                         {"fold", trial.fold},
                         {"atlas", parameters(trial.atlas)},
                         {"stages", nlohmann::json::array()}};
  for (const StageOptions& stage : trial.stages) {
    const nlohmann::json all = parameters(stage);
    nlohmann::json options = {{"name", stage.name}};
    for (const std::string_view key : kStageKeysOfAtlases)
      if (all.contains(key)) options[std::string(key)] = all.at(std::string(key));
    json["stages"].push_back(std::move(options));
  }
  return json;
}

template <class Parameters>
nlohmann::json trial_json(const TrialConfig& trial, Parameters parameters) {
  if (uses_atlases(trial)) return atlas_json(trial, parameters);
  nlohmann::json json = {{"seed", trial.seed},
                         {"fold", trial.fold},
                         {"model", parameters(trial.model)},
                         {"loss_options", parameters(trial.loss_options)},
                         {"stages", nlohmann::json::array()}};
  if (trial.precision != model::Precision::kFp32) json["precision"] = name_of(trial.precision);
  if (!trial.tested) json["tested"] = false;  // or its scores would be missing where it counts
  if (nlohmann::json views = parameters(trial.views); !views.empty()) json["views"] = std::move(views);
  for (const StageOptions& stage : trial.stages) {
    nlohmann::json options = parameters(stage);
    options["name"] = stage.name;
    options["optimizer"] = parameters(stage.optimizer);
    options["loss"] = nlohmann::json::array();  // an array: the order of terms is that of their sum
    for (const schedules::ScheduledTerm& term : stage.loss)
      options["loss"].push_back({{"term", term.term}, {"shape", term.curve.shape}, {"points", term.curve.points}});
    json["stages"].push_back(std::move(options));
  }
  return json;
}

/// In place of a cohort's name: the same data under another name are the same data.
nlohmann::json data_json(const std::string& name, const std::string& plane, const Study& study,
                         const std::vector<std::pair<std::string, std::string>>& cohort_hashes) {
  const auto named = [&](const auto& pair) { return pair.first == name; };
  const auto cohort = std::find_if(study.cohorts.begin(), study.cohorts.end(), named);
  const auto hash = std::find_if(cohort_hashes.begin(), cohort_hashes.end(), named);
  if (cohort == study.cohorts.end() || hash == cohort_hashes.end())
    throw std::invalid_argument("stage_hashes: no hash of cohort '" + name + "'");
  nlohmann::json json = {
      {"hash", hash->second}, {"seed", cohort->second.seed}, {"split", changed_parameters_json(cohort->second.split)}};
  if (plane != "axial") json["plane"] = plane;
  return json;
}

/// All that the net of each plane depends on up to each stage, in the order of stage_rows(), those of a vote left out.
std::vector<nlohmann::json> nets_json(const TrialConfig& trial, const Study& study,
                                      const std::vector<std::pair<std::string, std::string>>& cohort_hashes) {
  const auto data = [&](const std::string& name, const std::string& plane) {
    return data_json(name, plane, study, cohort_hashes);
  };
  std::vector<nlohmann::json> nets;
  for (const View& view : views_of(trial.views)) {
    nlohmann::json json = trial_json(trial, kChanged);
    json["format"] = kResultFormat;
    if (uses_atlases(trial)) json["registration"] = model::kRegistrationFormat;
    json.erase("views");  // a net is what it is whoever votes with it
    nlohmann::json stages = nlohmann::json::array();
    std::swap(stages, json["stages"]);
    for (nlohmann::json& stage : stages) {
      stage["cohort"] = data(stage["cohort"], view.plane);
      if (stage.contains("test")) stage["test"] = data(stage["test"], view.plane);
      json["stages"].push_back(std::move(stage));
      nets.push_back(json);
    }
  }
  return nets;
}

}  // namespace

nlohmann::json identity_json(const TrialConfig& trial) {
  return trial_json(trial, kChanged);
}

nlohmann::json config_json(const TrialConfig& trial) {
  nlohmann::json json = trial_json(trial, kAll);
  json["variant"] = trial.variant;
  json["method"] = trial.method;
  json["precision"] = name_of(trial.precision);
  return json;
}

std::string to_json(const TrialConfig& trial) {
  return config_json(trial).dump();
}

std::vector<std::string> stage_hashes(const TrialConfig& trial, const Study& study,
                                      const std::vector<std::pair<std::string, std::string>>& cohort_hashes) {
  std::vector<std::string> hashes;
  for (const nlohmann::json& json : nets_json(trial, study, cohort_hashes))
    hashes.push_back(data::sha256_hex(json.dump()));
  const std::size_t views = views_of(trial.views).size();
  const nlohmann::json identity = identity_json(trial);
  for (std::size_t s = 0; views > 1 && s < trial.stages.size(); ++s) {
    nlohmann::json vote = {{"views", identity["views"]}, {"nets", nlohmann::json::array()}};
    for (std::size_t v = 0; v < views; ++v) vote["nets"].push_back(hashes[v * trial.stages.size() + s]);
    hashes.push_back(data::sha256_hex(vote.dump()));
  }
  return hashes;
}

std::vector<std::string> beginning_hashes(const TrialConfig& trial, const Study& study,
                                          const std::vector<std::pair<std::string, std::string>>& cohort_hashes) {
  std::vector<std::string> hashes;
  if (!uses_atlases(trial)) {
    for (nlohmann::json& json : nets_json(trial, study, cohort_hashes)) {
      for (const char* no_step_knows : {"loss", "patience", "test"}) json["stages"].back().erase(no_step_knows);
      hashes.push_back(data::sha256_hex(json.dump()));
    }
  }
  hashes.resize(stage_rows(trial).size());
  return hashes;
}

}  // namespace crossfade::runner
