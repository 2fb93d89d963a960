#include "runner/study/queue.hpp"

#include <algorithm>
#include <chrono>
#include <exception>

namespace crossfade::runner {
namespace {

constexpr int kToQueue = 1;
constexpr int kToLeader = 2;
constexpr auto kLater = std::chrono::milliseconds(500);
constexpr auto kPause = std::chrono::milliseconds(2);  // a waiting server must not take a core from training

}  // namespace

QueueServer::QueueServer(Communicator& channel, int groups, std::vector<QueuedTrial> trials, std::deque<int> pending,
                         analysis::ResultsDatabase& database, ProgressDisplay& display,
                         std::function<void(const std::string&)> on_fatal)
    : channel_(channel),
      groups_(groups),
      trials_(std::move(trials)),
      pending_(std::move(pending)),
      database_(database),
      display_(display),
      on_fatal_(std::move(on_fatal)),
      thread_([this] { serve(); }) {}

QueueServer::~QueueServer() {
  if (thread_.joinable()) thread_.join();
}

QueueSummary QueueServer::finish() {
  thread_.join();
  return summary_;
}

void QueueServer::serve() {
  try {
    while (groups_ > 0) {
      if (const auto received = channel_.poll(kToQueue)) {
        handle(decode(received->text), received->from);
      } else {
        std::this_thread::sleep_for(kPause);
      }
    }
  } catch (const std::exception& error) {
    on_fatal_(error.what());
  }
}

bool QueueServer::waits(const QueuedTrial& trial) const {
  return std::any_of(trials_.begin(), trials_.end(), [&](const QueuedTrial& other) {
    const auto shares = [&](const std::string& hash) {
      return std::find(trial.stages.begin(), trial.stages.end(), hash) != trial.stages.end();
    };
    return other.running && std::any_of(other.stages.begin() + other.stages_done, other.stages.end(), shares);
  });
}

int QueueServer::take() {
  if (pending_.empty()) return kNoTrial;
  const auto next = std::find_if(pending_.begin(), pending_.end(), [&](int index) { return !waits(trial(index)); });
  if (next == pending_.end()) return kTrialLater;
  const int index = *next;
  pending_.erase(next);
  return index;
}

void QueueServer::handle(const Message& message, int from) {
  std::string answer;
  if (std::holds_alternative<NextTrial>(message)) {
    const int next = take();
    if (next == kNoTrial) --groups_;
    if (next >= 0) {
      trial(next).running = true;
      database_.adopt_epochs(trial(next).id);
      database_.set_running(trial(next).id);
    }
    answer = std::to_string(next);
  } else if (const auto* step = std::get_if<Step>(&message)) {
    display_.step(step->trial, trial(step->trial).name, step->progress);
    return;
  } else if (const auto* epoch = std::get_if<Epoch>(&message)) {
    QueuedTrial& of = trial(epoch->trial);
    database_.record_epoch(of.id, epoch->record);
    if (!epoch->record.again) {
      of.last_epoch = epoch->progress;
      display_.epoch(epoch->trial, of.name, epoch->progress);
    }
  } else if (const auto* stage = std::get_if<Stage>(&message)) {
    QueuedTrial& of = trial(stage->trial);
    database_.record_stage(of.id, stage->result);
    of.stages_done = stage->result.stage + 1;
    const TrialProgress& last = of.last_epoch;
    if (!stage->result.stopped.empty()) {
      display_.warn(of.name + ": " + stage->result.stopped);
    } else if (last.stage == stage->result.stage && last.epoch < last.epochs) {
      display_.info(of.name + "  out of patience after epoch " + std::to_string(last.epoch) + " of " +
                    std::to_string(last.epochs) + "; the best was epoch " + std::to_string(stage->result.best_epoch));
    }
  } else if (const auto* ended = std::get_if<Ended>(&message)) {
    QueuedTrial& of = trial(ended->trial);
    of.running = false;
    switch (ended->ending) {
      case Ending::kFinished:
        database_.set_finished(of.id);
        ++summary_.finished;
        display_.ended(ended->trial, of.name, "finished");
        break;
      case Ending::kInterrupted:
        database_.set_interrupted(of.id);
        ++summary_.interrupted;
        pending_.clear();  // whoever interrupts one trial wants the study to end
        display_.ended(ended->trial, of.name, "interrupted; the same command goes on from here");
        break;
      case Ending::kFailed:
        database_.set_failed(of.id, ended->error);
        ++summary_.failed;
        display_.ended(ended->trial, of.name, "failed: " + ended->error);
        break;
    }
  }
  channel_.send(answer, from, kToLeader);
}

QueueClient::QueueClient(Communicator& channel) : channel_(channel) {}

std::string QueueClient::ask(const Message& message) {
  channel_.send(encode(message), 0, kToQueue);
  return channel_.receive(0, kToLeader).text;
}

int QueueClient::next() {
  for (;;) {
    const int trial = std::stoi(ask(NextTrial{}));
    if (trial != kTrialLater) return trial;
    std::this_thread::sleep_for(kLater);
  }
}

void QueueClient::step(int trial, const TrialProgress& progress) {
  channel_.send(encode(Step{trial, progress}), 0, kToQueue);
}

void QueueClient::epoch(int trial, const TrialProgress& progress, const analysis::EpochRecord& record) {
  ask(Epoch{trial, progress, record});
}

void QueueClient::stage(int trial, const analysis::StageResult& result) {
  ask(Stage{trial, result});
}

void QueueClient::ended(int trial, Ending ending, const std::string& error) {
  ask(Ended{trial, ending, error});
}

}  // namespace crossfade::runner
