#include "runner/queue.hpp"

#include <chrono>
#include <exception>

namespace crossfade::runner {
namespace {

constexpr int kToQueue = 1;
constexpr int kToLeader = 2;
constexpr auto kPause = std::chrono::milliseconds(2);  // a waiting server must not take a core from training

}  // namespace

QueueServer::QueueServer(Communicator& channel, int groups, std::vector<QueuedTrial> trials, std::deque<int> todo,
                         analysis::ResultsDatabase& database, ProgressDisplay& display,
                         std::function<void(const std::string&)> on_fatal)
    : channel_(channel),
      groups_(groups),
      trials_(std::move(trials)),
      todo_(std::move(todo)),
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

void QueueServer::handle(const Message& message, int from) {
  std::string answer;
  if (std::holds_alternative<NextTrial>(message)) {
    int trial = kNoTrial;
    if (todo_.empty()) {
      --groups_;
    } else {
      trial = todo_.front();
      todo_.pop_front();
      database_.set_running(trials_[static_cast<std::size_t>(trial)].id);
    }
    answer = std::to_string(trial);
  } else if (const auto* step = std::get_if<Step>(&message)) {
    display_.step(step->trial, trials_[static_cast<std::size_t>(step->trial)].name, step->progress);
    return;
  } else if (const auto* epoch = std::get_if<Epoch>(&message)) {
    const QueuedTrial& trial = trials_[static_cast<std::size_t>(epoch->trial)];
    database_.record_epoch(trial.id, epoch->record);
    display_.epoch(epoch->trial, trial.name, epoch->progress);
  } else if (const auto* stage = std::get_if<Stage>(&message)) {
    database_.record_stage(trials_[static_cast<std::size_t>(stage->trial)].id, stage->result);
    if (!stage->result.stopped.empty()) {
      display_.warn(trials_[static_cast<std::size_t>(stage->trial)].name + ": " + stage->result.stopped);
    }
  } else if (const auto* ended = std::get_if<Ended>(&message)) {
    const QueuedTrial& trial = trials_[static_cast<std::size_t>(ended->trial)];
    switch (ended->ending) {
      case Ending::kFinished:
        database_.set_finished(trial.id);
        ++summary_.finished;
        display_.ended(ended->trial, trial.name, "finished");
        break;
      case Ending::kInterrupted:
        database_.set_interrupted(trial.id);
        ++summary_.interrupted;
        todo_.clear();  // whoever interrupts one trial wants the study to end
        display_.ended(ended->trial, trial.name, "interrupted; the same command goes on from here");
        break;
      case Ending::kFailed:
        database_.set_failed(trial.id, ended->error);
        ++summary_.failed;
        display_.ended(ended->trial, trial.name, "failed: " + ended->error);
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
  return std::stoi(ask(NextTrial{}));
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
