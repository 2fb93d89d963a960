#include "tests/analysis/study.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace crossfade::analysis {

Said run(const std::vector<std::string>& command) {
  std::array<int, 2> pipe_ends{};
  if (pipe2(pipe_ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, pipe_ends[1], STDOUT_FILENO);
  std::vector<char*> arguments;
  for (const auto& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  pid_t child = 0;
  const int failed = posix_spawnp(&child, arguments[0], &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  close(pipe_ends[1]);
  if (failed != 0) throw std::runtime_error("can't run " + command[0]);
  Said said;
  std::array<char, 4096> buffer{};
  for (ssize_t n = 0; (n = read(pipe_ends[0], buffer.data(), buffer.size())) > 0;)
    said.output.append(buffer.data(), static_cast<std::size_t>(n));
  close(pipe_ends[0]);
  waitpid(child, &said.status, 0);
  return said;
}

std::string read_text(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

Counts made_up_counts(std::mt19937& random, double dice, int classes) {
  std::uniform_int_distribution<std::int64_t> size(50, 5000);
  std::uniform_int_distribution<int> fate(0, 11);
  Counts counts(classes);
  counts.true_positive[0] = 100'000;
  for (std::size_t c = 1; c < counts.true_positive.size(); ++c) {
    const int kind = fate(random);
    if (kind < 2) continue;  // in neither
    const std::int64_t n = size(random);
    if (kind == 2) {
      counts.false_negative[c] = n;  // in the truth alone
      continue;
    }
    counts.true_positive[c] = static_cast<std::int64_t>(dice * static_cast<double>(n));
    counts.false_negative[c] = n - counts.true_positive[c];
    counts.false_positive[c] = (n - counts.true_positive[c]) * 9 / 10;
  }
  return counts;
}

std::vector<SubjectCounts> made_up_subjects(std::mt19937& random, const std::vector<std::string>& names, double dice,
                                            int classes) {
  std::vector<SubjectCounts> subjects;
  for (const auto& name : names)
    subjects.push_back(
        {name, made_up_counts(random, dice * std::uniform_real_distribution<>(0.8, 1.0)(random), classes)});
  return subjects;
}

StudyRecord study_record(const std::string& name) {
  return {
      .name = name, .caption = "made-up counts, no images at all", .grid_text = "study: " + name, .grid_hash = "g1"};
}

Provenance provenance() {
  return {.version = "0.1.0",
          .git_commit = "0123abc",
          .host = "here",
          .command = "runner --grid x.yaml",
          .ranks = 2,
          .ranks_per_trial = 1,
          .devices = "cpu x 2",
          .libraries = R"({"torch": "2.11.0"})",
          .data_hash = R"({"phantom": "abc"})"};
}

TrialRecord trial_record(const std::string& variant, std::uint64_t seed, int fold) {
  TrialRecord trial;
  trial.hash = variant + "/" + std::to_string(seed) + "/" + std::to_string(fold);
  trial.variant = variant;
  trial.model = "U-Net (width 16)";
  trial.loss = "w-CE -> w-CE + w-Dice -> w-Dice";
  trial.seed = seed;
  trial.fold = fold;
  trial.config = R"({"model": {"name": "unet"}})";
  trial.parameters = 1'943'868;
  trial.stages = {{.name = "pretrain",
                   .hash = trial.hash,
                   .cohort = "phantom",
                   .labels = "manual",
                   .epochs = 4,
                   .switches = {0.4, 0.7},
                   .voxel_mm = 2}};
  return trial;
}

EpochRecord epoch_record(std::mt19937& random, int epoch, double dice, int stage) {
  return {.stage = stage,
          .epoch = epoch,
          .step = 10 * epoch,
          .loss = 1.0 / epoch,
          .terms = {{"wce", 0.5, 1}, {"wdice", 0.75, 0}},
          .learning_rate = 1e-3,
          .gradient_norm = 2.5,
          .validation = validation_dice(made_up_subjects(random, {"val1", "val2"}, dice)),
          .seconds_train = 3,
          .seconds_validate = 1,
          .seconds_data = 0.5,
          .images = 160};
}

void finish(ResultsDatabase& db, std::int64_t id, const TrialRecord& trial, std::mt19937& random, double dice,
            const std::vector<std::string>& test_subjects) {
  db.set_running(id);
  for (int stage = 0; stage < static_cast<int>(trial.stages.size()); ++stage) {
    const int epochs = trial.stages[static_cast<std::size_t>(stage)].epochs;
    for (int epoch = 1; epoch <= epochs; ++epoch)
      db.record_epoch(id, epoch_record(random, epoch, dice * epoch / epochs, stage));
    const auto validation = made_up_subjects(random, {"val1", "val2"}, dice);
    db.record_stage(id, {.stage = stage,
                         .best_epoch = epochs,
                         .best_dice = mean_over_subjects(validation),
                         .stopped = "",
                         .validation = validation,
                         .test = made_up_subjects(random, test_subjects, dice)});
  }
  db.set_finished(id);
}

void write_made_up_study(const std::filesystem::path& file) {
  std::mt19937 random(7);
  ResultsDatabase db(file);
  std::vector<TrialRecord> trials;
  for (const auto* variant : {"fixed, \"w-CE\"", "scheduled & 50%_off", "never <converged>", "half done", "dropped"})
    for (const std::uint64_t seed : {1, 2}) trials.push_back(trial_record(variant, seed));
  for (std::size_t i : {2, 3})
    trials[i].stages.push_back({.name = "finetune",
                                .hash = trials[i].hash + " tuned",
                                .cohort = "manual",
                                .labels = "manual",
                                .epochs = 2,
                                .switches = {},
                                .voxel_mm = 2});
  const auto ids = db.begin(study_record(), provenance(), trials);

  for (std::size_t i : {0, 1, 2, 3, 6, 8, 9})
    finish(db, ids[i].id, trials[i], random, 0.5 + 0.05 * static_cast<double>(i));
  // Seed 1 of "never": a Dice below the threshold; seed 2: lost at once, its truth as false negatives.
  finish(db, ids[4].id, trials[4], random, 0.05);
  auto lost = made_up_subjects(random, {"alice", "bob", "carol"}, 0);
  db.set_running(ids[5].id);
  db.record_stage(ids[5].id, {.stage = 0,
                              .best_epoch = 0,
                              .best_dice = 0,
                              .stopped = "loss wce not finite at step 1",
                              .validation = {},
                              .test = lost});
  db.set_finished(ids[5].id);
  db.set_running(ids[7].id);
  db.set_failed(ids[7].id, "out of memory");

  trials.resize(8);  // "dropped" leaves the grid
  db.begin(study_record(), provenance(), trials);
}

}  // namespace crossfade::analysis
