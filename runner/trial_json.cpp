#include "runner/trial_json.hpp"

#include <algorithm>
#include <stdexcept>

#include "data/hash.hpp"
#include "runner/grid.hpp"
#include "runner/parameter_json.hpp"

namespace crossfade::runner {
namespace {

// Part of every hash. Raise it when a change of the code, or of a default, changes what a trial of the same
// configuration gives.
constexpr int kResultFormat = 2;

constexpr auto kAll = [](const auto& options) { return parameters_json(options); };
constexpr auto kChanged = [](const auto& options) { return changed_parameters_json(options); };

template <class Parameters>
nlohmann::json trial_json(const TrialConfig& trial, Parameters parameters) {
  nlohmann::json json = {{"seed", trial.seed},
                         {"fold", trial.fold},
                         {"model", parameters(trial.model)},
                         {"loss_options", parameters(trial.loss_options)},
                         {"stages", nlohmann::json::array()}};
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

}  // namespace

nlohmann::json identity_json(const TrialConfig& trial) {
  return trial_json(trial, kChanged);
}

nlohmann::json config_json(const TrialConfig& trial) {
  nlohmann::json json = trial_json(trial, kAll);
  json["variant"] = trial.variant;
  return json;
}

std::string to_json(const TrialConfig& trial) {
  return config_json(trial).dump();
}

std::vector<std::string> stage_hashes(const TrialConfig& trial, const Study& study,
                                      const std::vector<std::pair<std::string, std::string>>& cohort_hashes) {
  nlohmann::json json = identity_json(trial);
  json["format"] = kResultFormat;
  // In place of a cohort's name: the same data under another name are the same data.
  const auto data = [&](const std::string& name) -> nlohmann::json {
    const auto named = [&](const auto& pair) { return pair.first == name; };
    const auto cohort = std::find_if(study.cohorts.begin(), study.cohorts.end(), named);
    const auto hash = std::find_if(cohort_hashes.begin(), cohort_hashes.end(), named);
    if (cohort == study.cohorts.end() || hash == cohort_hashes.end())
      throw std::invalid_argument("stage_hashes: no hash of cohort '" + name + "'");
    return {{"hash", hash->second},
            {"seed", cohort->second.seed},
            {"split", changed_parameters_json(cohort->second.split)}};
  };
  for (nlohmann::json& stage : json["stages"]) {
    stage["cohort"] = data(stage["cohort"]);
    if (stage.contains("test")) stage["test"] = data(stage["test"]);
  }
  std::vector<std::string> hashes;
  nlohmann::json stages = nlohmann::json::array();
  std::swap(stages, json["stages"]);
  for (nlohmann::json& stage : stages) {
    json["stages"].push_back(std::move(stage));
    hashes.push_back(data::sha256_hex(json.dump()));
  }
  return hashes;
}

}  // namespace crossfade::runner
