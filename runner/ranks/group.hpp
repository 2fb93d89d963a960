// The ranks that train one trial together: device, collectives, averaged gradients. With mpi_backend.hpp the only unit
// that includes c10d.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "runner/ranks/communicator.hpp"

namespace crossfade::runner {

/// Seconds in which this rank stood waiting for the others. NaN over NCCL, where calls are queued on the device and the
/// host waits for none; 0 for one rank.
struct CommunicationSeconds {
  double buckets = 0;  // of gradients: from when the last gradient was computed until all were averaged
  double loss = 0, norm = 0;
};

/// Loss, batch normalisation and gradients have a communicator each. On CPUs collectives run over MPI by a c10d backend
/// of ours, on GPUs over NCCL (which MPI launches); the code above this header is the same. Both give the same bits in
/// the same place twice.
class Group {
 public:
  /// Collective over `ranks`. `device` is torch::kCPU or this rank's CUDA device. Throws std::runtime_error for several
  /// ranks on CUDA devices in a build without NCCL.
  Group(Communicator ranks, torch::Device device);
  ~Group();

  int rank() const;
  int size() const;
  torch::Device device() const;
  /// The group's ranks over MPI, for what lies on the host: flags, counts, words.
  Communicator& ranks();

  /// Sums in place over the group; float64 (or int64) tensors on the group's device. Identity for one rank.
  void all_reduce_loss(torch::Tensor& sums);
  void all_reduce_norm(torch::Tensor& sums);
  /// Sums integers on the host over the group in place: counts, flags.
  void all_reduce_counts(std::vector<std::int64_t>& counts);
  /// From group rank 0; a tensor on any device, of the same shape, type and strides on all ranks.
  void broadcast(const torch::Tensor& tensor);
  void barrier();

  /// Since the group began, or the last reset_communication().
  const CommunicationSeconds& communication() const;
  void reset_communication();

 private:
  friend class GradientReducer;
  struct State;
  std::unique_ptr<State> state_;
};

/// Averages gradients over the group in buckets that overlap with the backward pass (c10d::Reducer). Its buckets are a
/// function of the parameters alone, the same before and after a resume. For one rank it does nothing.
class GradientReducer {
 public:
  /// Broadcasts the parameters from group rank 0. They must have their final device, type and strides (channels-last).
  /// `bucket_mib` is the size of a bucket.
  GradientReducer(Group& group, std::vector<torch::Tensor> parameters, double bucket_mib = 4);
  ~GradientReducer();

  /// Around each step: zero_gradients(), prepare(), forward, prepare_backward(loss), loss.backward(), then the
  /// gradients are averaged, and finish_backward() tells the group's communication() how long that took. Also after a
  /// step that an exception broke off on all ranks alike.
  void prepare();
  void prepare_backward(const torch::Tensor& loss);
  void finish_backward();
  /// Sets all gradients to zero, as buckets allow.
  void zero_gradients();
  /// Buckets whose sum over the ranks is done, since the group began; 0 for one rank and over NCCL.
  std::int64_t buckets_reduced() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace crossfade::runner
