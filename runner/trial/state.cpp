#include "runner/trial/state.hpp"

#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "runner/grid/parameter_json.hpp"
#include "runner/process/machine.hpp"
#include "runner/trial/record_json.hpp"

namespace crossfade::runner {

// Found by argument-dependent lookup, so not in the unnamed namespace.
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(EpochSums, loss, gradient_norm, names, terms, weights, learning_rate, images,
                                   seconds_train, seconds_data, seconds_shared, overhead)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Position, stage, epoch, step, sums, last_dice, best_dice, best_epoch,
                                   optimizer_steps)

namespace {

using nlohmann::json;

constexpr const char* kFormat = "crossfade-checkpoint";
constexpr const char* kVersion = "1";

/// Reads what parameters_json() wrote back. An option that is younger than the checkpoint keeps its default.
struct OptionsFromJson {
  const json& object;
  void number(const char* name, double& value, double, double, const char*) { read(name, value); }
  void integer(const char* name, int& value, int, int, const char*) { read(name, value); }
  void choice(const char* name, std::string& value, const std::vector<std::string>&, const char*) { read(name, value); }
  template <class T>
  void read(const char* name, T& value) {
    if (object.contains(name)) object.at(name).get_to(value);
  }
};

/// An epoch or its sums, as earlier programs wrote them, too.
void complete(json& epoch) {
  if (!epoch.contains("overhead")) epoch["overhead"] = analysis::EpochOverhead();
  if (!epoch.contains("seconds_shared")) epoch["seconds_shared"] = 0;
}

void restore(const TensorFile& file, const std::string& name, const torch::Tensor& target) {
  const torch::NoGradGuard no_grad;
  const torch::Tensor& source = file.tensor(name);
  if (source.sizes() != target.sizes())
    throw std::runtime_error("tensor '" + name + "' has another shape than the net");
  target.copy_(source);
}

}  // namespace

void EpochSums::add(const StepResult& step) {
  loss += step.loss;
  gradient_norm += step.gradient_norm;
  for (std::size_t i = 0; i < terms.size(); ++i) terms[i] += step.terms[i];
  weights = step.weights;
  learning_rate = step.learning_rate;
  images += step.images;
  const CommunicationSeconds& waited = step.communication;
  overhead.communication += waited.buckets + waited.loss + waited.norm;
  overhead.buckets += waited.buckets;
  overhead.loss_sums += waited.loss;
  overhead.norm_sums += waited.norm;
}

void EpochSums::of_terms(const std::vector<std::string>& wanted) {
  const EpochSums known = *this;
  const bool any = images > 0;
  names = wanted;
  terms.assign(wanted.size(), any ? std::numeric_limits<double>::quiet_NaN() : 0);
  weights.assign(wanted.size(), 0);
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const auto found = std::ranges::find(known.names, wanted[i]);
    const std::size_t from = known.names.empty() ? i : static_cast<std::size_t>(found - known.names.begin());
    if (from >= known.terms.size()) continue;
    terms[i] = known.terms[from];
    weights[i] = known.weights[from];
  }
}

void Position::add_epoch(double dice) {
  ++epoch;
  step = 0;
  sums = {};
  last_dice = std::isfinite(dice) ? dice : 0;
  if (dice > best_dice || (best_epoch == 0 && std::isfinite(dice))) {
    best_dice = dice;
    best_epoch = epoch;
  }
}

analysis::EpochRecord record_of(const Position& position) {
  const EpochSums& sums = position.sums;
  const double steps = position.step;
  analysis::EpochRecord record;
  record.stage = position.stage;
  record.epoch = position.epoch + 1;
  record.step = static_cast<std::int64_t>(record.epoch) * position.step;
  record.loss = sums.loss / steps;
  for (std::size_t i = 0; i < sums.names.size(); ++i)
    if (!std::isnan(sums.terms[i])) record.terms.push_back({sums.names[i], sums.terms[i] / steps, sums.weights[i]});
  record.learning_rate = sums.learning_rate;
  record.gradient_norm = sums.gradient_norm / steps;
  record.seconds_train = sums.seconds_train;
  record.seconds_data = sums.seconds_data;
  record.overhead = sums.overhead;
  record.seconds_shared = sums.seconds_shared;
  record.images = sums.images;
  return record;
}

std::string to_json(const Position& position) {
  Position finite = position;  // JSON has no NaN
  std::vector<std::string> known;
  for (std::size_t i = 0; i < position.sums.names.size(); ++i)
    if (!std::isnan(position.sums.terms[i])) known.push_back(position.sums.names[i]);
  if (known.size() < position.sums.names.size()) finite.sums.of_terms(known);
  return json(finite).dump();
}

Position position_from_json(const std::string& text) {
  json position = json::parse(text);
  json& sums = position.at("sums");
  complete(sums);
  if (!sums.contains("names")) sums["names"] = json::array();
  return position.get<Position>();
}

std::string to_json(const std::vector<analysis::EpochRecord>& epochs) {
  return json(epochs).dump();
}

std::vector<analysis::EpochRecord> epochs_from_json(const std::string& text) {
  json epochs = json::parse(text);
  for (json& epoch : epochs) complete(epoch);
  return epochs.get<std::vector<analysis::EpochRecord>>();
}

TensorFile save_network(const model::Network& network, const model::ModelOptions& options, int in_channels,
                        int classes) {
  TensorFile file;
  for (const auto& item : network.named_parameters()) file.tensors.emplace_back("model." + item.key(), item.value());
  for (const auto& item : network.named_buffers()) file.tensors.emplace_back("model." + item.key(), item.value());
  json model = parameters_json(options);
  model["in_channels"] = in_channels;
  model["classes"] = classes;
  model["precision"] = name_of(network.precision());
  file.metadata = {{"format", kFormat}, {"version", kVersion}, {"model", model.dump()}};
  return file;
}

void restore_network(const TensorFile& file, model::Network& network) {
  if (file.text("format") != kFormat || file.text("version") != kVersion) {
    throw std::runtime_error("checkpoint format " + file.text("format") + " version " + file.text("version") +
                             " is not " + kFormat + " version " + kVersion);
  }
  for (const auto& item : network.named_parameters()) restore(file, "model." + item.key(), item.value());
  for (const auto& item : network.named_buffers()) restore(file, "model." + item.key(), item.value());
}

void save_optimizer(const Optimizer& optimizer, TensorFile& file) {
  for (const auto& [name, tensor] : optimizer.state()) file.tensors.emplace_back("optimizer." + name, tensor);
}

void restore_optimizer(const TensorFile& file, Optimizer& optimizer) {
  for (const auto& [name, tensor] : optimizer.state()) restore(file, "optimizer." + name, tensor);
}

TrainedNetwork load_trained_network(const std::filesystem::path& file) {
  const TensorFile contents = read_tensors(file);
  try {
    const json described = json::parse(contents.text("model"));
    model::ModelOptions options;
    OptionsFromJson visitor{described};
    describe(visitor, options);
    auto network = model::make_network(options, described.at("in_channels").get<int>(),
                                       described.at("classes").get<int>(), /*seed=*/0);
    network->set_precision(model::precision_named(described.value("precision", "fp32")));
    place_network(*network, torch::kCPU);
    restore_network(contents, *network);
    return {network, trained_on(contents)};
  } catch (const std::exception& error) {
    throw std::runtime_error(file.string() + ": " + error.what());
  }
}

void move_network(model::Network& network, torch::Device device) {
  network.to(device);
  if (device.is_cpu() && !computes_bf16()) network.set_precision(model::Precision::kFp32);
}

std::shared_ptr<model::Network> load_network(const std::filesystem::path& file) {
  return load_trained_network(file).network;
}

}  // namespace crossfade::runner
