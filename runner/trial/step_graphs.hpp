// The device's part of a step, recorded once and replayed: one call of the host in place of a thousand.
#pragma once

#include <torch/types.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace crossfade::runner {

/// CUDA graphs of work that is the same in each step but for the values of its inputs. One thread; the device waits for
/// nothing. Tensors that `work` reads or writes beside its inputs are the same, in the same memory, in each call.
class StepGraphs {
 public:
  using Work = std::function<void(const std::vector<torch::Tensor>& inputs)>;

  explicit StepGraphs(torch::Device device);
  ~StepGraphs();

  /// Does `work` on the values of `inputs`, which lie in memory of this object's. `kind` names all that the host
  /// decides in it. Work of one kind and shape of inputs is recorded in its fourth call and from then on replayed: what
  /// the host would do in it is not done then. On the CPU it is done each time. Throws c10::Error where it asks for
  /// what can't be recorded, such as to wait for the device.
  void operator()(const std::string& kind, const std::vector<torch::Tensor>& inputs, const Work& work);

 private:
  struct Kind;
  torch::Device device_;
  std::pair<unsigned long long, unsigned long long> pool_;  // of the device's memory that all graphs work in
  std::map<std::string, std::unique_ptr<Kind>> kinds_;
};

}  // namespace crossfade::runner
