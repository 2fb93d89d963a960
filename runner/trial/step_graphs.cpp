#include "runner/trial/step_graphs.hpp"

#include <optional>
#include <sstream>

#ifdef CROSSFADE_WITH_NCCL
#include <ATen/cuda/CUDAGraph.h>
#include <c10/core/Event.h>
#include <c10/core/StreamGuard.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#endif

namespace crossfade::runner {

#ifdef CROSSFADE_WITH_NCCL
namespace {

constexpr int kWarmUp = 3;  // calls in which libraries allocate what they keep and choose their kernels

/// Lets `later` wait for what `earlier` has been given so far.
void follow(const c10::Stream& earlier, const c10::Stream& later) {
  c10::Event event(earlier.device_type());
  event.record(earlier);
  event.block(later);
}

}  // namespace
#endif

struct StepGraphs::Kind {
  std::vector<torch::Tensor> inputs;
#ifdef CROSSFADE_WITH_NCCL
  int calls = 0;
  std::optional<at::cuda::CUDAGraph> graph;

  /// Recording needs a stream other than the default one. Nothing that a graph leaves in `pool` is looked at, so the
  /// next may write over it.
  void record(const Work& work, torch::Device device, at::cuda::MempoolId_t pool) {
    const c10::impl::VirtualGuardImpl streams(device.type());
    const c10::Stream computing = streams.getStream(device), recording = streams.getStreamFromGlobalPool(device);
    follow(computing, recording);
    {
      const c10::StreamGuard on(recording);
      graph.emplace();
      graph->capture_begin(pool);
      try {
        work(inputs);
      } catch (...) {
        try {
          graph->capture_end();  // or the stream would take no work any more
        } catch (const c10::Error&) {
          // The first error is the one that says why.
        }
        throw;
      }
      graph->capture_end();
    }
    follow(recording, computing);
  }

  void run_on_gpu(const Work& work, torch::Device device, at::cuda::MempoolId_t pool) {
    if (calls++ < kWarmUp) return work(inputs);
    if (!graph) record(work, device, pool);
    graph->replay();
  }
#endif
};

StepGraphs::StepGraphs(torch::Device device) : device_(device) {
#ifdef CROSSFADE_WITH_NCCL
  if (device_.is_cuda()) pool_ = at::cuda::graph_pool_handle();
#endif
}
StepGraphs::~StepGraphs() = default;

void StepGraphs::operator()(const std::string& kind, const std::vector<torch::Tensor>& inputs, const Work& work) {
  std::ostringstream name;
  name << kind;
  for (const torch::Tensor& input : inputs) name << ' ' << input.sizes();
  std::unique_ptr<Kind>& found = kinds_[name.str()];
  if (!found) {
    found = std::make_unique<Kind>();
    for (const torch::Tensor& input : inputs) found->inputs.push_back(torch::empty_like(input));
  }
  for (std::size_t i = 0; i < inputs.size(); ++i) found->inputs[i].copy_(inputs[i], /*non_blocking=*/true);
#ifdef CROSSFADE_WITH_NCCL
  if (device_.is_cuda()) return found->run_on_gpu(work, device_, pool_);
#endif
  work(found->inputs);
}

}  // namespace crossfade::runner
