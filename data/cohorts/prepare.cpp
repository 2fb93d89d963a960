// prepare_cohort: from anatomies to shards.
#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <stdexcept>
#include <thread>

#include "data/cohorts/subject.hpp"

namespace crossfade::data {
namespace {

/// Where a subject comes from, for messages: its file, or the phantom's name.
std::string origin(const CohortSpec& spec, const std::string& subject) {
  const SubjectFiles files = subject_files(spec, subject);
  if (spec.source == "scans") return files.image.string();
  return spec.source == "labels" ? files.labels.string() : subject;
}

/// Returns the line about the subject.
std::string make_shard(const CohortSpec& spec, const std::string& subject, const std::filesystem::path& file) {
  PreparedSubject prepared = spec.source == "scans" ? scanned_subject(spec, subject) : synthetic_subject(spec, subject);
  write_shard(file, std::move(prepared.contents));
  return subject + prepared.report;
}

/// Adds the file to what does not know of it.
std::string make_named_shard(const CohortSpec& spec, const std::string& subject, const std::filesystem::path& file) {
  try {
    return make_shard(spec, subject, file);
  } catch (const std::exception& error) {
    const std::string what = error.what(), from = origin(spec, subject);
    if (what.find(from) != std::string::npos || what.find(file.string()) != std::string::npos) throw;
    throw std::runtime_error(from + ": " + what);
  }
}

}  // namespace

void prepare_cohort(const CohortSpec& spec, const std::filesystem::path& directory, int threads,
                    const PrepareProgress& progress) {
  const auto file_of = [&](const std::string& subject) { return directory / (subject + ".h5"); };
  std::vector<std::string> missing = subject_names(spec);
  const int total = static_cast<int>(missing.size());
  std::erase_if(missing, [&](const std::string& subject) { return std::filesystem::exists(file_of(subject)); });
  if (missing.empty()) return;
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) throw std::runtime_error(directory.string() + ": cannot be made: " + error.message());

  std::atomic<std::size_t> next = 0;
  std::mutex mutex;  // guards what follows, and the calls of progress
  int done = total - static_cast<int>(missing.size());
  std::exception_ptr failure;
  const auto work = [&] {
    for (std::size_t i = next++; i < missing.size(); i = next++) {
      try {
        const std::string line = make_named_shard(spec, missing[i], file_of(missing[i]));
        const std::lock_guard lock(mutex);
        ++done;
        if (progress) progress(done, total, line);
      } catch (...) {
        next = missing.size();  // the others finish the subject they are at
        const std::lock_guard lock(mutex);
        if (!failure) failure = std::current_exception();
      }
    }
  };
  {
    std::vector<std::jthread> workers;
    const std::size_t count = std::min(static_cast<std::size_t>(std::max(threads, 1)), missing.size());
    for (std::size_t t = 1; t < count; ++t) workers.emplace_back(work);
    work();
  }
  if (failure) std::rethrow_exception(failure);
}

}  // namespace crossfade::data
