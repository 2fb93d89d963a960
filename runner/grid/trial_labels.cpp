// Names of nets and losses as tables print them.
#include <algorithm>
#include <array>
#include <string_view>

#include "runner/grid/grid.hpp"
#include "runner/grid/scalar_text.hpp"
#include "runner/grid/views.hpp"

namespace crossfade::runner {
namespace {

using schedules::Curve;
using schedules::ScheduledTerm;

/// As the paper spells them; another term is printed by its key.
std::string printed(const std::string& term) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kNames = {
      {{"wce", "w-CE"}, {"wce_boundary", "w-CE + boundary"}, {"wdice", "w-Dice"}, {"dice", "Dice"}}};
  const auto* name = std::find_if(kNames.begin(), kNames.end(), [&](const auto& pair) { return pair.first == term; });
  return name == kNames.end() ? term : std::string(name->second);
}

bool changes(const ScheduledTerm& term) {
  const auto& points = term.curve.points;
  return std::any_of(points.begin(), points.end(), [&](const auto& p) { return p.second != points.front().second; });
}

std::string weighted(const std::string& term, double weight) {
  return (weight == 1 ? "" : number_text(weight) + " ") + printed(term);
}

/// The terms with their weights at a moment: "w-CE + 2 w-Dice".
std::string sum_at(const std::vector<ScheduledTerm>& loss, double progress) {
  std::string sum;
  for (const ScheduledTerm& term : loss)
    if (const double weight = evaluate(term.curve, progress); weight > 0)
      sum += (sum.empty() ? "" : " + ") + weighted(term.term, weight);
  return sum;
}

/// "w-CE linear 1 → 0"
std::string course(const ScheduledTerm& term) {
  if (!changes(term)) return weighted(term.term, term.curve.points.front().second);
  std::string values;
  for (const auto& [progress, value] : term.curve.points) values += (values.empty() ? " " : " → ") + number_text(value);
  return printed(term.term) + " " + term.curve.shape + values;
}

}  // namespace

std::string trial_model_label(const TrialConfig& trial) {
  if (!uses_atlases(trial)) return model_label(trial.model, trial.views, trial.precision);
  const std::string& fusion = trial.atlas.fusion;
  return std::string("Atlases, ") + (fusion == "joint"    ? "joint label fusion"
                                     : fusion == "staple" ? "STAPLE"
                                                          : "majority vote");
}

std::string trial_loss_label(const TrialConfig& trial) {
  return uses_atlases(trial) ? "–" : loss_label(trial.stages.front().loss);
}

std::string model_label(const model::ModelOptions& model, const ViewOptions& views, model::Precision precision) {
  const bool unet = model.name == "unet";
  const model::ModelOptions published;
  std::string label = std::string(unet ? "U-Net" : "QuickNAT") + " (width " + std::to_string(model.width);
  if (model.depth != published.depth) label += ", depth " + std::to_string(model.depth);
  if (unet && model.norm != "none") label += ", " + model.norm + " norm";
  if (!unet && model.kernel != published.kernel) label += ", kernel " + std::to_string(model.kernel);
  if (const std::size_t count = views_of(views).size(); count > 1) label += ", " + std::to_string(count) + " views";
  if (precision != model::Precision::kFp32) label += std::string(", ") + name_of(precision);
  return label + ")";
}

std::string loss_label(const std::vector<ScheduledTerm>& loss) {
  if (std::none_of(loss.begin(), loss.end(), changes)) return "Fixed (" + sum_at(loss, 0) + ")";
  std::string label;
  if (std::all_of(loss.begin(), loss.end(), [](const auto& t) { return !changes(t) || t.curve.shape == "step"; })) {
    label = sum_at(loss, 0);
    for (const double moment : switch_points(loss)) label += " → " + sum_at(loss, moment);
  } else {
    for (const ScheduledTerm& term : loss) label += (label.empty() ? "" : ", ") + course(term);
  }
  return "Scheduled (" + label + ")";
}

}  // namespace crossfade::runner
