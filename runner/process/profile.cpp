#include "runner/process/profile.hpp"

#include <torch/csrc/autograd/profiler_kineto.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>
#include <system_error>

#include "data/publish.hpp"

namespace crossfade::runner {
namespace {

namespace fs = std::filesystem;
namespace kineto = torch::autograd::profiler;
using torch::profiler::impl::ActivityType;

constexpr int kSteps = 5, kWarmUp = 5;

std::set<ActivityType> activities(bool gpu) {
  return gpu ? std::set{ActivityType::CPU, ActivityType::CUDA} : std::set{ActivityType::CPU};
}

[[noreturn]] void fail(const fs::path& file, const std::string& reason) {
  throw std::runtime_error("--profile: cannot write " + file.string() + ": " + reason);
}

void make_empty(const fs::path& file) {
  errno = 0;
  if (!std::ofstream(file)) throw std::runtime_error(std::generic_category().message(errno));
}

/// Kineto says nothing of a disk that is full.
void require_whole(const fs::path& file) {
  if (std::ifstream in(file); !nlohmann::json::accept(in))
    throw std::runtime_error("what was written of it is no whole JSON; is the disk full?");
}

}  // namespace

void require_profile_path(const fs::path& file) {
  std::error_code error;
  if (!file.has_filename() || fs::is_directory(file, error)) fail(file, "Is a directory");
  if (fs::exists(file, error) && !fs::is_regular_file(file, error)) fail(file, "it is no regular file");
  error.clear();
  if (file.has_parent_path()) fs::create_directories(file.parent_path(), error);
  if (error) fail(file, error.message());
  const data::Partial probe(file);
  try {
    make_empty(probe.path());
  } catch (const std::exception& failure) {
    fail(file, failure.what());
  }
}

StepProfile::StepProfile(fs::path file, bool gpu) : file_(std::move(file)), gpu_(gpu) {
  // Without a GPU it would complain of that, on the terminal and in the trace.
  if (!gpu_) setenv("KINETO_LOG_LEVEL", "99", /*overwrite=*/0);
}

StepProfile::~StepProfile() {
  end_epoch();
}

void StepProfile::begin_step(int left) {
  if (done_) return;
  if (!in_epoch_) {
    in_epoch_ = true;
    to_skip_ = std::clamp(left - kSteps, 0, kWarmUp);
  }
  if (left == 0 || begun_ == kSteps) return finish();
  if (to_skip_-- > 0) return;
  if (!recording_) {
    const torch::profiler::impl::ProfilerConfig config(torch::profiler::impl::ProfilerState::KINETO);
    kineto::prepareProfiler(config, activities(gpu_));
    kineto::enableProfiler(config, activities(gpu_));
    recording_ = true;
  }
  ++begun_;
}

void StepProfile::end_epoch() {
  finish();
  in_epoch_ = false;
}

void StepProfile::finish() {
  if (!recording_) return;
  recording_ = false;
  done_ = true;
  try {
    data::Partial partial(file_);
    const auto trace = kineto::disableProfiler();
    make_empty(partial.path());  // says what is wrong in our words, where Kineto would in its own
    trace->save(partial.path().string());
    require_whole(partial.path());
    partial.publish();
    written_ = begun_;
  } catch (const std::exception& failure) {
    error_ = "--profile: cannot write " + file_.string() + ": " + failure.what();
  }
}

}  // namespace crossfade::runner
