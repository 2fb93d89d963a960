// The results database: what a study found, in SQLite. docs/results-database.md has the schema and the views.
// SQLite is seen by analysis/results/results.cpp (and the queries beside it) alone.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "analysis/results/activity.hpp"
#include "analysis/scores/dice.hpp"
#include "analysis/scores/surface.hpp"
#include "data/labels/classes.hpp"

namespace crossfade::analysis {

/// That one variant has a higher mean Dice than another, or gains more in some structures: what a study is to find out.
struct Claim {
  std::string name;                 // in words
  std::string better, than;         // variants
  std::string role = "pretrained";  // "pretrained" or "finetuned": the column of Table 1 that is compared
  std::string most_in{};            // structures, by spaces: the difference is larger in them than in the others
};

/// A grid file as it was run.
struct StudyRecord {
  std::string name;
  std::string caption;    // printed under tables and figures, e.g. "synthetic images on real anatomies"
  std::string grid_text;  // after --set
  std::string grid_hash;
  std::vector<Claim> claims = {};
  data::Classes classes = data::brain_classes();  // that all its trials are scored in
  // Scan (SubjectCounts::subject) -> person, of cohorts that tell the two apart: tables and claims count persons.
  std::map<std::string, std::string> persons = {};
  std::set<std::string> subjects = {};  // of the cohorts, tested or not, and those that the grid names
  bool searches = false;  // its search is registered next: rows that it has found stay until it says otherwise
};

/// Where and with what a run was made: one row a run of the program.
struct Provenance {
  std::string version, git_commit, host, command;
  int ranks = 1;
  int ranks_per_trial = 1;
  std::string devices;    // how the ranks were arranged; processor, cores, memory and GPUs of rank 0
  std::string libraries;  // JSON object: name -> version
  std::string data_hash;  // JSON object: cohort -> hash
};

struct StageRecord {
  std::string name;             // "pretrain", "finetune"; the first is stage 0
  std::string plane = "axial";  // of its slices: axial, coronal, sagittal; all: the vote of nets of several planes
  std::string hash;             // of the configuration up to this stage, and the data: equal ones give the same net
  std::string cohort;
  std::string labels;  // trained and validated on: "manual" or "automatic"
  int epochs = 0;
  std::vector<double> switches;  // progress at which the schedule begins or ends to change
  double voxel_mm = 0;           // of the grid that its Dice is counted on, named under tables; 0: not known
};

/// One cell of the grid with one seed and one fold.
struct TrialRecord {
  std::string hash;     // of configuration, data and format: what makes it the same trial
  std::string variant;  // row of Table 1
  std::string model;    // "U-Net (width 16, batch norm)"
  std::string loss;     // "w-CE -> w-CE + w-Dice -> w-Dice"
  std::uint64_t seed = 0;
  int fold = 0;
  std::string config;  // JSON
  std::int64_t parameters = 0;
  double flops = std::numeric_limits<double>::quiet_NaN();  // model::forward_flops on one slice
  std::vector<StageRecord> stages;
};

enum class TrialState { kPending, kRunning, kInterrupted, kFinished, kFailed };

struct TermValue {
  std::string term;
  double value = 0;   // mean over the epoch's steps, unweighted
  double weight = 0;  // at the epoch's last step
};

/// Seconds of an epoch that went into other things than its work, as the leader of the group of ranks met them; NaN:
/// not known. Over NCCL the host waits for no rank, so that all but `checkpoint` is not known.
struct EpochOverhead {
  static constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();
  double checkpoint = kUnknown;     // writing the checkpoints that stood before the epoch began
  double communication = kUnknown;  // in which steps waited for other ranks; 0 for one rank. Of these:
  double buckets = kUnknown;    // for gradients, from the last one's computation on: not hidden by the backward pass
  double loss_sums = kUnknown;  // all-reduces of the loss
  double norm_sums = kUnknown;  // all-reduces of batch normalisation
};

/// One epoch of training, and what validation found after it.
struct EpochRecord {
  int stage = 0;
  int epoch = 0;          // from 1
  std::int64_t step = 0;  // steps of the stage done
  double loss = 0;        // mean of the total over the epoch's steps
  std::vector<TermValue> terms;
  double learning_rate = 0;
  double gradient_norm = 0;   // mean over the epoch's steps, before clipping
  ValidationDice validation;  // from which pooled and mean Dice and the rows of `dice` are made
  double seconds_train = 0, seconds_validate = 0, seconds_data = 0;  // data: waiting for batches, a part of train
  EpochOverhead overhead = {};  // all but the checkpoint's are a part of seconds_train
  double seconds_shared = 0;    // of train and validate, that another trial spent and that are recorded there
  std::int64_t images = 0;
  bool again = false;  // by a trial that goes on from a checkpoint: counts only where the epoch is not recorded
};

/// Distances between surfaces, and difference of volumes, of one subject's structures.
struct SubjectSurfaces {
  std::string subject;
  std::vector<SurfaceScores> scores;  // by class id
};

/// How a stage ended, at its best checkpoint by validation Dice.
struct StageResult {
  int stage = 0;
  int best_epoch = 0;    // 0: none
  double best_dice = 0;  // per-subject mean on validation
  std::string stopped;   // empty, or why it stopped early: "loss wce not finite at step 17"
  // At the best checkpoint. Where there is none (best_epoch 0), list the subjects all the same, with the truth as false
  // negatives or with empty counts: each of their structures then scores 0, and no seed is left out of a mean.
  std::vector<SubjectCounts> validation, test;
  std::vector<SubjectSurfaces> surfaces = {};  // of the test part
  std::vector<double> seconds = {};            // that each of the test part took to predict; empty: not known
  double seconds_score = 0;  // that all of these took, predictions and all, on the group's leader; 0: not known
};

/// How a study looks for a schedule: a row of `search`, whose columns the schema explains.
struct SearchRecord {
  std::string method, objective;
  std::vector<std::uint64_t> seeds;
  std::string space, options;  // JSON
  int validation_subjects = 0;
  std::string labels;
};

/// A point that a search tries.
struct CandidateRecord {
  int position = 0, round = 0;      // from 0
  std::string point;                // JSON object
  std::string settings;             // YAML
  double epochs = 0;                // that it adds to those of the candidates before it
  std::vector<TrialRecord> trials;  // one a seed of the search
};

/// What a candidate came to.
struct CandidateResult {
  double dice = 0;     // the search's objective, mean over seeds
  double seconds = 0;  // of training and validation, for it alone
};

/// What is known of a trial.
struct TrialStatus {
  std::int64_t id = 0;
  TrialState state = TrialState::kPending;
  int attempts = 0;
  std::string error;
};

/// Milliseconds that another program's hold on a database is waited for at a time.
inline constexpr int kBusyMilliseconds = 60'000;

/// How long a transaction waits for another program that holds the file: a query that a notebook has left open must not
/// end a training of days.
struct DatabasePatience {
  int milliseconds = kBusyMilliseconds;  // at a time, of which there are
  int times = 60;
  // After each but the last: whether to go on waiting. Empty: yes.
  std::function<bool(const std::string& waiting)> go_on = {};
};

/// One writer, one connection; not thread-safe. Every method is one transaction and throws std::runtime_error naming
/// the database file and what it was doing. A process killed at any time leaves the last whole transaction.
class ResultsDatabase {
 public:
  /// Creates the file where it is missing. Throws for a read-only path, a file that is no database, a database of
  /// another program, another schema version, and where another program holds it for a minute.
  explicit ResultsDatabase(const std::filesystem::path& file, DatabasePatience patience = {});
  ~ResultsDatabase();
  ResultsDatabase(ResultsDatabase&&) noexcept;

  /// Registers a study (found again by name), this run of it and all its trials, in order; trials of the study that the
  /// grid no longer has stay stored but leave the views; variants of `runner score` stay in them, behind the grid's. A
  /// trial known by hash keeps its state, except that `running` (its process died) becomes `interrupted`. Statuses come
  /// in the order of `trials`. Throws for two trials with one hash, for a variant called as a scored one is, for a seed
  /// of 2^63 or more, which SQLite's integers can't hold, and for other classes than those that the study has scores
  /// in, by the first that differs; a study without a score takes the new ones.
  std::vector<TrialStatus> begin(const StudyRecord& study, const Provenance& provenance,
                                 const std::vector<TrialRecord>& trials);

  /// After begin(): the study's search. Candidates of a search that was another one are forgotten; their trials stay,
  /// and those of its finalists leave the views.
  void begin_search(const SearchRecord& search);
  /// Registers a candidate in place of that of its position, if there is one, and its trials as begin() does, but for
  /// the views of tables and figures, which leave them out. Where that had other trials, the candidates behind it,
  /// which followed from it, are forgotten, and finalists leave the views. Throws as begin().
  std::vector<TrialStatus> add_candidate(const CandidateRecord& candidate);
  /// Nothing where a trial of the candidate is not finished.
  std::optional<CandidateResult> result_of(int candidate);
  /// Ends the search: forgets candidates from `count` on, names the rows of the finalists (by candidate) in place of
  /// those that it had, registers the trials of those rows that begin() did not have, and makes `claims` the study's.
  /// Throws as begin().
  std::vector<TrialStatus> end_search(int count, const std::map<int, std::string>& finalists,
                                      const std::vector<TrialRecord>& trials, const std::vector<Claim>& claims);

  /// Hashes of the study's trials that tables and figures leave out: those of candidates, also of searches before, and
  /// of grids before.
  std::set<std::string> trials_outside_grid();

  /// What is being done, in place of what was said before; none: nobody is at work any more.
  void record_activity(const std::vector<ActivityRecord>& workers);

  void set_running(std::int64_t trial);  // counts an attempt
  void set_interrupted(std::int64_t trial);
  void set_failed(std::int64_t trial, const std::string& error);
  void set_pending(std::int64_t trial, const std::string& error);  // failed, and to be tried once more
  void set_finished(std::int64_t trial);  // throws where a stage has no result: a mean would silently lack that seed

  /// Replaces a row of the same stage and epoch, and drops later ones (a resumed trial repeats what its checkpoint
  /// lacks), with the results of this and later stages of its plane, and of votes. A number that is not finite is
  /// stored as NULL.
  void record_epoch(std::int64_t trial, const EpochRecord& epoch);
  /// Replaces the stage's result.
  void record_stage(std::int64_t trial, const StageResult& result);

 private:
  struct Connection;
  std::unique_ptr<Connection> connection_;
};

}  // namespace crossfade::analysis
