// A c10d backend over Communicator, for CPU ranks. Included by group.cpp alone: together they are all that sees c10d.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <torch/csrc/distributed/c10d/Backend.hpp>
#include <vector>

#include "runner/ranks/communicator.hpp"

namespace crossfade::runner {

/// Sums a CPU tensor (float32, float64 or int64) over the ranks in place.
void all_reduce_sum(Communicator& communicator, const at::Tensor& tensor);

/// What the Reducer asks of a backend: sums of CPU tensors over the ranks. A thread of its own runs the calls in order,
/// so that a bucket travels while the backward pass goes on. Calls must come in the same order on all ranks.
class MpiBackend : public c10d::Backend {
 public:
  explicit MpiBackend(Communicator communicator);
  ~MpiBackend() override;

  const std::string getBackendName() const override { return "crossfade-mpi"; }

  c10::intrusive_ptr<c10d::Work> allreduce(std::vector<at::Tensor>& tensors,
                                           const c10d::AllreduceOptions& options) override;

  /// All-reduces that are done.
  std::int64_t reductions() const { return reductions_; }
  /// When allreduce() was last called. To be asked on the thread that calls it.
  std::chrono::steady_clock::time_point last_handed_over() const { return last_handed_over_; }

 private:
  class Call;
  c10::intrusive_ptr<c10d::Work> enqueue(c10d::OpType type, std::vector<at::Tensor> result, std::function<void()> run);
  void serve();

  Communicator communicator_;
  std::atomic<std::int64_t> reductions_ = 0;
  std::chrono::steady_clock::time_point last_handed_over_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<c10::intrusive_ptr<Call>> calls_;
  bool ending_ = false;
  std::thread thread_;
};

}  // namespace crossfade::runner
