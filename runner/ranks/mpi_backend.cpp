#include "runner/ranks/mpi_backend.hpp"

#include <ATen/ThreadLocalState.h>
#include <ATen/record_function.h>

namespace crossfade::runner {
namespace {

/// Its elements lie without gaps, in whatever order (channels-last, too).
void require_dense(const at::Tensor& tensor) {
  TORCH_CHECK(tensor.device().is_cpu() && tensor.is_non_overlapping_and_dense(),
              "a tensor for MPI must be dense and on the CPU");
}

}  // namespace

void all_reduce_sum(Communicator& communicator, const at::Tensor& tensor) {
  require_dense(tensor);
  const auto type = [&] {
    switch (tensor.scalar_type()) {
      case at::kFloat:
        return ElementType::kFloat32;
      case at::kDouble:
        return ElementType::kFloat64;
      case at::kLong:
        return ElementType::kInt64;
      default:
        TORCH_CHECK(false, "no sum over MPI for tensors of type ", tensor.scalar_type());
    }
  }();
  communicator.all_reduce_sum(tensor.data_ptr(), static_cast<std::size_t>(tensor.numel()), type);
}

/// A queued call, and the future that the Reducer waits for.
class MpiBackend::Call : public c10d::Work {
 public:
  Call(int rank, c10d::OpType type, std::vector<at::Tensor> result, std::function<void()> run)
      : Work(rank, type),
        result_(std::move(result)),
        run_(std::move(run)),
        future_(c10::make_intrusive<c10::ivalue::Future>(c10::ListType::create(c10::TensorType::get()))) {}

  void run() {
    try {
      run_();
    } catch (...) {
      future_->setError(std::current_exception());
      finish(std::current_exception());
      return;
    }
    future_->markCompleted(c10::IValue(result_));
    finish();
  }

  c10::intrusive_ptr<c10::ivalue::Future> getFuture() override { return future_; }
  std::vector<at::Tensor> result() override { return result_; }

 private:
  std::vector<at::Tensor> result_;
  std::function<void()> run_;
  c10::intrusive_ptr<c10::ivalue::Future> future_;
};

MpiBackend::MpiBackend(Communicator communicator)
    : Backend(communicator.rank(), communicator.size()),
      communicator_(std::move(communicator)),
      thread_([this] { serve(); }) {}

MpiBackend::~MpiBackend() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

c10::intrusive_ptr<c10d::Work> MpiBackend::enqueue(c10d::OpType type, std::vector<at::Tensor> result,
                                                   std::function<void()> run) {
  auto call = c10::make_intrusive<Call>(getRank(), type, std::move(result), std::move(run));
  {
    const std::lock_guard lock(mutex_);
    calls_.push_back(call);
  }
  changed_.notify_one();
  return call;
}

void MpiBackend::serve() {
  while (true) {
    c10::intrusive_ptr<Call> call;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return ending_ || !calls_.empty(); });
      if (calls_.empty()) return;
      call = std::move(calls_.front());
      calls_.pop_front();
    }
    call->run();
  }
}

c10::intrusive_ptr<c10d::Work> MpiBackend::allreduce(std::vector<at::Tensor>& tensors,
                                                     const c10d::AllreduceOptions& options) {
  TORCH_CHECK(options.reduceOp == c10d::ReduceOp::SUM, "the MPI backend can only sum");
  last_handed_over_ = std::chrono::steady_clock::now();
  // A profiler records the caller's thread, and those that take over its state.
  return enqueue(c10d::OpType::ALLREDUCE, tensors, [this, tensors, caller = at::ThreadLocalState()] {
    const at::ThreadLocalStateGuard as_the_caller(caller);
    RECORD_USER_SCOPE("buckets");
    for (const at::Tensor& tensor : tensors) all_reduce_sum(communicator_, tensor);
    ++reductions_;
  });
}

}  // namespace crossfade::runner
