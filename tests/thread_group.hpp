// Ranks played by threads: an all-reduce that really waits for everyone, without MPI.
#pragma once

#include <torch/types.h>

#include <barrier>
#include <exception>
#include <functional>
#include <thread>
#include <vector>

namespace crossfade::tests {

class ThreadGroup {
 public:
  explicit ThreadGroup(int ranks) : parts_(static_cast<std::size_t>(ranks)), barrier_(ranks) {}

  /// Adds up the ranks' tensors in rank order, as any rank sees it bit for bit alike.
  void all_reduce(int rank, torch::Tensor& tensor) {
    ++calls_at_rank(rank);
    part(rank).values = tensor.clone();
    barrier_.arrive_and_wait();
    torch::Tensor sum = torch::zeros_like(tensor);
    for (const Part& one : parts_) sum += one.values;
    tensor.copy_(sum);
    barrier_.arrive_and_wait();  // no one overwrites a part that another still reads
  }

  int calls(int rank) { return calls_at_rank(rank); }

  /// Runs work(rank) on a thread for each rank and rethrows the first exception. Work that throws between collectives
  /// would leave the others waiting, so it must not.
  void run(const std::function<void(int)>& work) {
    std::vector<std::exception_ptr> errors(parts_.size());
    std::vector<std::thread> threads;
    for (std::size_t rank = 0; rank < parts_.size(); ++rank) {
      threads.emplace_back([&, rank] {
        try {
          work(static_cast<int>(rank));
        } catch (...) {
          errors[rank] = std::current_exception();
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    for (const std::exception_ptr& error : errors) {
      if (error) std::rethrow_exception(error);
    }
  }

 private:
  struct Part {
    torch::Tensor values;
    int calls = 0;
  };
  Part& part(int rank) { return parts_[static_cast<std::size_t>(rank)]; }
  int& calls_at_rank(int rank) { return part(rank).calls; }

  std::vector<Part> parts_;
  std::barrier<> barrier_;
};

/// 2-norm of the difference over the 2-norm of what is expected.
inline double relative_difference(const torch::Tensor& actual, const torch::Tensor& expected) {
  const torch::Tensor a = actual.to(torch::kFloat64), e = expected.to(torch::kFloat64);
  return ((a - e).norm() / e.norm().clamp_min(1e-300)).item<double>();
}

}  // namespace crossfade::tests
