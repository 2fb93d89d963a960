#include "runner/ranks/group.hpp"

#include <ATen/Context.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <optional>
#include <torch/csrc/distributed/c10d/HashStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroup.hpp>
#include <torch/csrc/distributed/c10d/reducer.hpp>

#include "runner/ranks/mpi_backend.hpp"

#ifdef CROSSFADE_WITH_NCCL
#include <c10/cuda/CUDAFunctions.h>

#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>
#endif

namespace crossfade::runner {
namespace {

/// Makes a GPU this process's own, and its convolutions such that the same trial gives the same bits.
void use(torch::Device device) {
#ifdef CROSSFADE_WITH_NCCL
  c10::cuda::set_device(device.index());
#endif
  at::globalContext().setDeterministicCuDNN(true);
}

double seconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

c10::intrusive_ptr<c10d::ProcessGroup> process_group(const c10::intrusive_ptr<c10d::Store>& store,
                                                     c10::DeviceType device, c10d::ProcessGroup::BackendType type,
                                                     const c10::intrusive_ptr<c10d::Backend>& backend) {
  auto group = c10::make_intrusive<c10d::ProcessGroup>(store, backend->getRank(), backend->getSize());
  group->setBackend(device, type, backend);
  group->setDefaultBackend(type);
  return group;
}

#ifdef CROSSFADE_WITH_NCCL
/// The place where NCCL's ranks find one another: a server on rank 0, its address told over MPI.
c10::intrusive_ptr<c10d::Store> meeting_point(Communicator& ranks) {
  const bool one_host = ranks.split_by_host().size() == ranks.size();
  const std::string host = ranks.broadcast(one_host ? "127.0.0.1" : World::host(), 0);
  c10d::TCPStoreOptions options;
  options.numWorkers = static_cast<std::size_t>(ranks.size());
  options.waitWorkers = false;
  c10::intrusive_ptr<c10d::TCPStore> store;
  if (ranks.rank() == 0) {
    options.isServer = true;
    options.port = 0;  // any free one
    store = c10::make_intrusive<c10d::TCPStore>(host, options);
  }
  const std::string port = ranks.broadcast(store ? std::to_string(store->getPort()) : "", 0);
  if (!store) {
    options.port = static_cast<std::uint16_t>(std::stoi(port));
    store = c10::make_intrusive<c10d::TCPStore>(host, options);
  }
  return store;
}

c10::intrusive_ptr<c10d::ProcessGroupNCCL> nccl(const c10::intrusive_ptr<c10d::Store>& store, const std::string& name,
                                                const Communicator& ranks) {
  return c10::make_intrusive<c10d::ProcessGroupNCCL>(c10::make_intrusive<c10d::PrefixStore>(name, store), ranks.rank(),
                                                     ranks.size());
}
#endif

}  // namespace

struct Group::State {
  torch::Device device;
  Communicator ranks;
  // Over MPI.
  std::optional<Communicator> loss, norm;
  c10::intrusive_ptr<MpiBackend> mpi;
  // Over NCCL.
  c10::intrusive_ptr<c10d::Backend> nccl_loss, nccl_norm, nccl_gradients;
  // Either.
  c10::intrusive_ptr<c10d::ProcessGroup> gradients;
  CommunicationSeconds communication;

  State(Communicator given, torch::Device on) : device(on), ranks(std::move(given)) {
    if (device.is_cuda()) use(device);
    reset_communication();
    if (ranks.size() == 1) return;
    if (device.is_cpu()) {
      loss = ranks.duplicate();
      norm = ranks.duplicate();
      mpi = c10::make_intrusive<MpiBackend>(ranks.duplicate());
      gradients = process_group(c10::make_intrusive<c10d::HashStore>(), c10::kCPU, c10d::ProcessGroup::CUSTOM, mpi);
      return;
    }
#ifdef CROSSFADE_WITH_NCCL
    const auto store = meeting_point(ranks);
    nccl_loss = nccl(store, "loss", ranks);
    nccl_norm = nccl(store, "norm", ranks);
    nccl_gradients = nccl(store, "gradients", ranks);
    gradients = process_group(c10::make_intrusive<c10d::PrefixStore>("group", store), c10::kCUDA,
                              c10d::ProcessGroup::NCCL, nccl_gradients);
#else
    throw std::runtime_error("this build has no NCCL: ranks on " + device.str() + " can't train together");
#endif
  }

  ~State() {
    for (const auto& backend : {nccl_loss, nccl_norm, nccl_gradients}) {
      if (backend) backend->shutdown();
    }
  }

  void reset_communication() {
    const double none = ranks.size() == 1 || device.is_cpu() ? 0 : std::numeric_limits<double>::quiet_NaN();
    communication = {none, none, none};
  }

  void all_reduce(torch::Tensor& sums, std::optional<Communicator>& over_mpi,
                  const c10::intrusive_ptr<c10d::Backend>& over_nccl, double& seconds) {
    if (ranks.size() == 1) return;
    if (over_mpi) {
      const auto begin = std::chrono::steady_clock::now();
      all_reduce_sum(*over_mpi, sums);
      seconds += seconds_since(begin);
      return;
    }
    std::vector<torch::Tensor> tensors = {sums};
    over_nccl->allreduce(tensors, c10d::AllreduceOptions())->wait();
  }
};

Group::Group(Communicator ranks, torch::Device device) : state_(std::make_unique<State>(std::move(ranks), device)) {}
Group::~Group() = default;

int Group::rank() const {
  return state_->ranks.rank();
}
int Group::size() const {
  return state_->ranks.size();
}
torch::Device Group::device() const {
  return state_->device;
}
Communicator& Group::ranks() {
  return state_->ranks;
}

void Group::all_reduce_loss(torch::Tensor& sums) {
  state_->all_reduce(sums, state_->loss, state_->nccl_loss, state_->communication.loss);
}
void Group::all_reduce_norm(torch::Tensor& sums) {
  state_->all_reduce(sums, state_->norm, state_->nccl_norm, state_->communication.norm);
}

void Group::all_reduce_counts(std::vector<std::int64_t>& counts) {
  state_->ranks.all_reduce_sum(counts.data(), counts.size(), ElementType::kInt64);
}

void Group::broadcast(const torch::Tensor& tensor) {
  if (size() == 1) return;
  const torch::NoGradGuard no_grad;
  const torch::Tensor host = tensor.cpu().contiguous();
  state_->ranks.broadcast(host.data_ptr(), static_cast<std::size_t>(host.nbytes()), 0);
  if (!host.is_same(tensor)) tensor.copy_(host);
}

void Group::barrier() {
  state_->ranks.barrier();
}

const CommunicationSeconds& Group::communication() const {
  return state_->communication;
}
void Group::reset_communication() {
  state_->reset_communication();
}

struct GradientReducer::State {
  std::vector<torch::Tensor> parameters;
  CommunicationSeconds* communication = nullptr;  // the group's
  c10::intrusive_ptr<MpiBackend> mpi;
  std::unique_ptr<c10d::Reducer> reducer;  // none for one rank
};

GradientReducer::GradientReducer(Group& group, std::vector<torch::Tensor> parameters, double bucket_mib)
    : state_(std::make_unique<State>()) {
  state_->parameters = std::move(parameters);
  if (group.size() == 1) return;
  for (const torch::Tensor& parameter : state_->parameters) group.broadcast(parameter);

  // Gradients become known from the last layer to the first, so buckets are filled from the back.
  std::vector<torch::Tensor> reversed(state_->parameters.rbegin(), state_->parameters.rend());
  const auto bucket_bytes = static_cast<std::size_t>(bucket_mib * 1024 * 1024);
  auto buckets = std::get<0>(c10d::compute_bucket_assignment_by_size(reversed, {bucket_bytes}));
  for (auto& bucket : buckets) {
    for (std::size_t& index : bucket) index = reversed.size() - 1 - index;
  }
  state_->mpi = group.state_->mpi;
  state_->communication = &group.state_->communication;
  state_->reducer = std::make_unique<c10d::Reducer>(
      state_->parameters, std::move(buckets), group.state_->gradients, std::vector<bool>(reversed.size(), false),
      static_cast<std::int64_t>(bucket_bytes), /*find_unused_parameters=*/false, /*gradient_as_bucket_view=*/true,
      std::unordered_map<std::size_t, std::string>{}, static_cast<std::int64_t>(bucket_bytes),
      /*skip_all_reduce_unused_params=*/false, /*use_python_reducer=*/false, std::vector<std::int64_t>{});
  // Divides a bucket by the ranks as a whole. Left to itself, the Reducer multiplies by 1/R in its first step and
  // divides by R from then on, which rounds unlike for three ranks: a resumed run would drift from the one that was not
  // broken.
  state_->reducer->register_builtin_comm_hook(c10d::BuiltinCommHookType::ALLREDUCE);
}

GradientReducer::~GradientReducer() {
  if (state_ && state_->reducer) state_->reducer->remove_autograd_hooks();
}

void GradientReducer::prepare() {
  if (!state_->reducer) return;
  // Buckets are never rebuilt by the order in which gradients came: NCCL's order of summation would then change at a
  // resume. So the record of that order, which would grow with each step, is dropped.
  state_->reducer->reset_state();
  state_->reducer->prepare_for_forward();
}

void GradientReducer::prepare_backward(const torch::Tensor& loss) {
  if (state_->reducer) state_->reducer->prepare_for_backward({loss});
}

void GradientReducer::finish_backward() {
  // The Reducer hands over its last bucket when the last gradient is there, and backward() returns when all are
  // reduced.
  if (state_->mpi) state_->communication->buckets += seconds_since(state_->mpi->last_handed_over());
}

void GradientReducer::zero_gradients() {
  for (torch::Tensor& parameter : state_->parameters) {
    torch::Tensor& gradient = parameter.mutable_grad();
    if (!state_->reducer) {
      gradient.reset();
    } else if (gradient.defined()) {
      gradient.zero_();  // it is a view into a bucket, which must stay its storage
    }
  }
}

std::int64_t GradientReducer::buckets_reduced() const {
  return state_->mpi ? state_->mpi->reductions() : 0;
}

}  // namespace crossfade::runner
