// What a trial's checkpoints hold, as docs/checkpoints.md describes it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "analysis/results/results.hpp"
#include "model/network.hpp"
#include "runner/trial/checkpoint.hpp"
#include "runner/trial/optimizer.hpp"
#include "runner/trial/trained_on.hpp"
#include "runner/trial/trainer.hpp"

namespace crossfade::runner {

/// Sums over the steps of the epoch under way: they make its record, so a resumed epoch needs them.
struct EpochSums {
  double loss = 0, gradient_norm = 0;
  std::vector<std::string> names;  // of the terms; empty before the first step, and in checkpoints of earlier programs
  std::vector<double> terms;       // NaN: not evaluated in all of these steps
  std::vector<double> weights;     // of the last step
  double learning_rate = 0;        // of the last step
  std::int64_t images = 0;
  double seconds_train = 0, seconds_data = 0;
  double seconds_shared = 0;  // of seconds_train, that another trial spent
  analysis::EpochOverhead overhead = {.communication = 0, .buckets = 0, .loss_sums = 0, .norm_sums = 0};

  /// Precondition: of_terms() with the terms that `step` has.
  void add(const StepResult& step);
  /// The sums of these terms, in this order, whichever there were.
  void of_terms(const std::vector<std::string>& wanted);
};

/// How far a trial has come.
struct Position {
  int stage = 0;
  int epoch = 0;  // whole epochs of the stage, validated and recorded
  int step = 0;   // steps of the next epoch
  EpochSums sums;
  double last_dice = 0;  // on validation, after the last whole epoch
  double best_dice = 0;
  int best_epoch = 0;  // from 1; 0: none yet
  std::int64_t optimizer_steps = 0;

  /// An epoch is whole and had this Dice on validation, NaN where there is none.
  void add_epoch(double dice);
};

/// The record of the epoch under way, as far as its steps make it. Precondition: they are all made.
analysis::EpochRecord record_of(const Position& position);

/// Numbers survive bit for bit. from_json throws std::exception for anything else than to_json made, of this program or
/// an earlier one, whose epochs have an overhead that is not known.
std::string to_json(const Position& position);
Position position_from_json(const std::string& text);

/// The same of the epochs that a stage has behind it.
std::string to_json(const std::vector<analysis::EpochRecord>& epochs);
std::vector<analysis::EpochRecord> epochs_from_json(const std::string& text);

/// A checkpoint's head: format, version and the net's parameters and buffers ("model.NAME") with what it takes to make
/// the net again (metadata "model").
TensorFile save_network(const model::Network& network, const model::ModelOptions& options, int in_channels,
                        int classes);

/// Copies "model.NAME" into the net. Throws std::runtime_error naming the tensor that is missing or has another shape,
/// and for another format or version.
void restore_network(const TensorFile& file, model::Network& network);

/// Adds and restores "optimizer.NAME".
void save_optimizer(const Optimizer& optimizer, TensorFile& file);
void restore_optimizer(const TensorFile& file, Optimizer& optimizer);

/// The net of a checkpoint, on the CPU in float32, laid out as for training. Throws std::runtime_error naming the file.
std::shared_ptr<model::Network> load_network(const std::filesystem::path& file);

/// Moves a loaded net to where it predicts. One of bf16 computes in fp32 on a processor that would only emulate
/// bfloat16.
void move_network(model::Network& network, torch::Device device);

/// The same with what it was trained on, where the checkpoint says.
struct TrainedNetwork {
  std::shared_ptr<model::Network> network;
  std::optional<TrainedOn> trained_on;
};
TrainedNetwork load_trained_network(const std::filesystem::path& file);

}  // namespace crossfade::runner
