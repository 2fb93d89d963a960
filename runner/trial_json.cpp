#include "runner/trial_json.hpp"

#include <algorithm>
#include <stdexcept>

#include "data/hash.hpp"
#include "runner/grid.hpp"
#include "runner/parameter_json.hpp"

namespace crossfade::runner {
namespace {

// Part of every hash. Raise it when a change of the code changes what a trial of the same configuration gives.
constexpr int kResultFormat = 1;

}  // namespace

nlohmann::json identity_json(const TrialConfig& trial) {
  nlohmann::json json = {{"seed", trial.seed},
                         {"fold", trial.fold},
                         {"model", parameters_json(trial.model)},
                         {"optimizer", parameters_json(trial.optimizer)},
                         {"loss", nlohmann::json::array()},  // an array: the order of terms is that of their sum
                         {"loss_options", parameters_json(trial.loss_options)},
                         {"stages", nlohmann::json::array()}};
  for (const schedules::ScheduledTerm& term : trial.loss)
    json["loss"].push_back({{"term", term.term}, {"shape", term.curve.shape}, {"points", term.curve.points}});
  for (const StageOptions& stage : trial.stages) {
    nlohmann::json options = parameters_json(stage);
    options["name"] = stage.name;
    json["stages"].push_back(std::move(options));
  }
  return json;
}

nlohmann::json config_json(const TrialConfig& trial) {
  nlohmann::json json = identity_json(trial);
  json["variant"] = trial.variant;
  return json;
}

std::string to_json(const TrialConfig& trial) {
  return config_json(trial).dump();
}

std::string trial_hash(const TrialConfig& trial, const Study& study,
                       const std::vector<std::pair<std::string, std::string>>& cohort_hashes) {
  nlohmann::json json = identity_json(trial);
  json["format"] = kResultFormat;
  for (nlohmann::json& stage : json["stages"]) {
    const std::string name = stage["cohort"];
    const auto named = [&](const auto& pair) { return pair.first == name; };
    const auto cohort = std::find_if(study.cohorts.begin(), study.cohorts.end(), named);
    const auto hash = std::find_if(cohort_hashes.begin(), cohort_hashes.end(), named);
    if (cohort == study.cohorts.end() || hash == cohort_hashes.end())
      throw std::invalid_argument("trial_hash: no hash of cohort '" + name + "'");
    // In place of the name: the same data under another name are the same data.
    stage["cohort"] = {
        {"hash", hash->second}, {"seed", cohort->second.seed}, {"split", parameters_json(cohort->second.split)}};
  }
  return data::sha256_hex(json.dump());
}

}  // namespace crossfade::runner
