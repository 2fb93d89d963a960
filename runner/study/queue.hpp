// The study's queue: rank 0 hands trials to groups as they fall free and is the one writer of the database.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "analysis/results/results.hpp"
#include "runner/ranks/communicator.hpp"
#include "runner/study/messages.hpp"
#include "runner/study/progress.hpp"

namespace crossfade::runner {

/// A trial as the queue knows it.
struct QueuedTrial {
  std::int64_t id = 0;              // in the database
  std::string name;                 // for a person: variant and seed
  std::vector<std::string> stages;  // their hashes, in the order of stage_rows()
  int stages_done = 0;              // of this run
  TrialProgress last_epoch{};       // of this run
  bool running = false;
};

/// How the trials handed out ended.
struct QueueSummary {
  int finished = 0, failed = 0, interrupted = 0;
};

/// Serves `groups` leaders on a thread of its own, so that rank 0 trains like any other rank, until each has been told
/// that no trial is left.
class QueueServer {
 public:
  /// `channel` must outlive the server; rank 0 and all leaders use the same one. `pending`: indices into `trials`, in
  /// order. `database` and `display` belong to the server until finish() returns. `on_fatal` is called on the server's
  /// thread where the database can't be written: the study can't go on, and must not return.
  QueueServer(Communicator& channel, int groups, std::vector<QueuedTrial> trials, std::deque<int> pending,
              analysis::ResultsDatabase& database, ProgressDisplay& display,
              std::function<void(const std::string&)> on_fatal);
  ~QueueServer();

  /// Waits until all groups are served.
  QueueSummary finish();

 private:
  void serve();
  void handle(const Message& message, int from);
  /// Takes the next trial out of the queue. One that shares a stage with another that is on its way there waits until
  /// its checkpoint is there: kTrialLater if there is nothing else to do.
  int take();
  bool waits(const QueuedTrial& trial) const;
  QueuedTrial& trial(int index) { return trials_[static_cast<std::size_t>(index)]; }

  Communicator& channel_;
  int groups_;
  std::vector<QueuedTrial> trials_;
  std::deque<int> pending_;
  analysis::ResultsDatabase& database_;
  ProgressDisplay& display_;
  std::function<void(const std::string&)> on_fatal_;
  QueueSummary summary_;
  std::thread thread_;
};

/// A group leader's end. Calls return once the queue has stored what was said (a step is only shown, and not waited
/// for).
class QueueClient {
 public:
  /// `channel` must outlive the client.
  explicit QueueClient(Communicator& channel);

  /// The index of the next trial, once there is one that may begin, or kNoTrial.
  int next();
  void step(int trial, const TrialProgress& progress);
  void epoch(int trial, const TrialProgress& progress, const analysis::EpochRecord& record);
  void stage(int trial, const analysis::StageResult& result);
  void ended(int trial, Ending ending, const std::string& error = {});

 private:
  std::string ask(const Message& message);
  Communicator& channel_;
};

}  // namespace crossfade::runner
