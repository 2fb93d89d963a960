#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "analysis/tables/score_summary.hpp"
#include "analysis/tables/status.hpp"
#include "analysis/tables/text_table.hpp"
#include "data/number_words.hpp"

namespace crossfade::analysis {
namespace {

constexpr std::size_t kSparks = 20;  // epochs that a sparkline shows, the last ones

std::string time_left(double seconds) {
  return std::isfinite(seconds) ? data::duration(seconds) : "–";
}

/// Between the least and the greatest of them.
std::string sparkline(std::vector<double> values) {
  constexpr const char* kBars[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  std::erase_if(values, [](double v) { return std::isnan(v); });
  if (values.size() > kSparks) values.erase(values.begin(), values.end() - kSparks);
  if (values.empty()) return {};
  const auto [low, high] = std::ranges::minmax(values);
  std::string out;
  for (const double value : values)
    out += kBars[high > low ? std::min<std::size_t>(7, static_cast<std::size_t>(8 * (value - low) / (high - low))) : 0];
  return out;
}

/// "(8 steps)" says more than "epoch 0 of 0": registrations have no epochs.
std::string place(const WorkerStatus& worker) {
  if (worker.trial.empty()) return {};
  if (worker.epochs == 0) return std::to_string(worker.step) + " of " + std::to_string(worker.steps);
  return worker.stage + " " + std::to_string(worker.epoch) + "/" + std::to_string(worker.epochs);
}

std::string summary(const StudyStatus& status) {
  const int all = status.finished + status.running + status.interrupted + status.failed + status.pending;
  std::string out = "study " + status.study + ": " + std::to_string(status.finished) + " of " + std::to_string(all) +
                    " trials finished";
  for (const auto& [count, name] : {std::pair{status.running, "running"},
                                    {status.interrupted, "interrupted"},
                                    {status.failed, "failed"},
                                    {status.pending, "to come"}})
    if (count > 0) out += ", " + std::to_string(count) + " " + name;
  if (status.finished + status.failed == all) return out + "\n";
  if (!status.is_running)
    return out + (status.last_sign.empty()
                      ? (status.running > 0 ? "; no sign of life\n" : "; nobody is at work on it\n")
                      : "; no sign of life since " + status.last_sign + "\n");
  return out +
         (std::isfinite(status.seconds_left) ? "; about " + data::duration(status.seconds_left) + " left\n" : "\n");
}

std::string text(const StudyStatus& status) {
  std::string out = summary(status);
  if (status.is_running) {
    TextTable table{.columns = {{"Rank", true},
                                {"Trial"},
                                {"At"},
                                {"Loss", true},
                                {"Dice", true},
                                {""},
                                {"Images/s", true},
                                {"Left", true}},
                    .rows = {}};
    for (const WorkerStatus& worker : status.workers) {
      const bool silent = worker.silent > kSecondsOfSilence, works = !worker.trial.empty();
      table.rows.push_back({std::to_string(worker.worker), works ? worker.trial : worker.doing,
                            silent ? "no sign of life for " + data::duration(worker.silent) : place(worker),
                            works && worker.epochs > 0 ? score_cell(worker.loss) : "",
                            worker.dice.empty() ? "" : score_cell(worker.dice.back()), sparkline(worker.dice),
                            works && worker.epochs > 0 && std::isfinite(worker.images_per_second)
                                ? fixed(worker.images_per_second, 0)
                                : "",
                            works ? time_left(worker.seconds_left) : ""});
    }
    out += '\n' + as_text(table);
  }
  if (!status.failures.empty()) out += "\nfailed:\n";
  for (const FailedTrial& failed : status.failures) out += "  " + one_line(failed.trial + ": " + failed.error) + '\n';
  return out;
}

std::string json(const StudyStatus& status) {
  nlohmann::ordered_json out = {{"study", status.study},
                                {"caption", status.caption},
                                {"running", status.is_running},
                                {"last_sign", status.last_sign},
                                {"seconds_left", json_number(status.seconds_left)},
                                {"trials",
                                 {{"finished", status.finished},
                                  {"running", status.running},
                                  {"interrupted", status.interrupted},
                                  {"failed", status.failed},
                                  {"pending", status.pending}}},
                                {"workers", nlohmann::ordered_json::array()},
                                {"failures", nlohmann::ordered_json::array()}};
  for (const WorkerStatus& worker : status.workers) {
    nlohmann::ordered_json dice = nlohmann::ordered_json::array();
    for (const double value : worker.dice) dice.push_back(json_number(value));
    out["workers"].push_back({{"rank", worker.worker},
                              {"doing", worker.doing},
                              {"trial", worker.trial},
                              {"stage", worker.stage},
                              {"epoch", worker.epoch},
                              {"epochs", worker.epochs},
                              {"step", worker.step},
                              {"steps", worker.steps},
                              {"loss", json_number(worker.loss)},
                              {"dice", std::move(dice)},
                              {"images_per_second", json_number(worker.images_per_second)},
                              {"seconds_left", json_number(worker.seconds_left)},
                              {"seconds_silent", json_number(worker.silent)}});
  }
  for (const FailedTrial& failed : status.failures)
    out["failures"].push_back({{"trial", failed.trial}, {"error", failed.error}});
  return out.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + '\n';
}

}  // namespace

std::string render_status(const StudyStatus& status, const std::string& format) {
  if (format == "text") return text(status);
  if (format == "json") return json(status);
  throw std::invalid_argument("unknown format '" + format + "' of a status; there is text, json");
}

}  // namespace crossfade::analysis
