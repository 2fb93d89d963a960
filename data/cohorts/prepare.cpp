// prepare_cohort: from anatomies to shards.
#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <thread>

#include "data/cohorts/made_from.hpp"
#include "data/cohorts/subject.hpp"
#include "data/cores.hpp"
#include "data/publish.hpp"

namespace crossfade::data {
namespace {

namespace fs = std::filesystem;

fs::path shard_of(const fs::path& directory, const std::string& subject) {
  return directory / (subject + ".h5");
}

/// Where a subject comes from, for messages: its file, or the phantom's name.
std::string origin(const ListedSubject& subject) {
  if (!subject.images.empty()) return subject.images.front().string();
  return subject.labels.empty() ? subject.name : subject.labels.string();
}

SubjectNotes make_shard(const Cohort& cohort, const ListedSubject& subject, const fs::path& file) {
  const bool synthetic = cohort.spec.source == "phantom" || cohort.spec.source == "labels";
  PreparedSubject prepared = synthetic ? synthetic_subject(cohort, subject) : scanned_subject(cohort, subject);
  write_shard(file, std::move(prepared.contents));
  return std::move(prepared.notes);
}

/// Adds the file to what does not know of it.
SubjectNotes make_named_shard(const Cohort& cohort, const ListedSubject& subject, const fs::path& file) {
  try {
    return make_shard(cohort, subject, file);
  } catch (const std::exception& error) {
    const std::string what = error.what(), from = origin(subject);
    for (const std::string& named : {from, subject.labels.string(), subject.automatic_labels.string(), file.string()})
      if (!named.empty() && what.find(named) != std::string::npos) throw;
    throw std::runtime_error(from + ": " + what);
  }
}

/// Those whose shards are to be made: they are not there, or were made from something else. Takes the latter out of
/// `made`, so that a run that is broken off leaves no shard that its entry does not fit.
std::vector<std::string> subjects_to_make(const CohortHashes& hashes, const fs::path& directory, bool named_by_hash,
                                          MadeFrom& made) {
  const bool trusted =
      named_by_hash && (made.cohort.empty() || directory.filename().string().ends_with("-" + made.cohort));
  std::vector<std::string> missing;
  for (const auto& [subject, hash] : hashes.subjects) {
    const bool there = fs::exists(shard_of(directory, subject));
    const auto entry = made.subjects.find(subject);
    if (there && trusted) continue;
    if (there && entry != made.subjects.end() && entry->second == hash) continue;
    if (entry != made.subjects.end()) made.subjects.erase(entry);
    missing.push_back(subject);
  }
  return missing;
}

std::vector<std::string> shards_of_others(const std::vector<std::string>& names, const fs::path& directory) {
  std::vector<std::string> others;
  for (const auto& entry : fs::directory_iterator(directory))
    if (entry.path().extension() == ".h5" && !std::ranges::binary_search(names, entry.path().stem().string()))
      others.push_back(entry.path().filename().string());
  std::ranges::sort(others);
  return others;
}

}  // namespace

std::vector<Remark> prepare_cohort(const Cohort& cohort, const CohortHashes& hashes, const fs::path& directory,
                                   int threads, const PrepareProgress& progress, bool named_by_hash) {
  const std::vector<std::string> names = subject_names(cohort);
  std::error_code error;
  fs::create_directories(directory, error);
  if (error) throw std::runtime_error(directory.string() + ": cannot be made: " + error.message());
  remove_partials(directory);
  const std::optional<MadeFrom> before = read_made_from(directory);
  MadeFrom made = before.value_or(MadeFrom{});
  const std::vector<std::string> missing = subjects_to_make(hashes, directory, named_by_hash, made);
  std::erase_if(made.subjects, [&](const auto& entry) { return !std::ranges::binary_search(names, entry.first); });
  std::vector<Remark> remarks;
  remark_on_names(remarks, "left alone and not used, as they are not of this cohort",
                  shards_of_others(names, directory), "file");
  remarks.insert(remarks.end(), cohort.remarks.begin(), cohort.remarks.end());
  if (missing.empty() && named_by_hash) return remarks;
  made.cohort.clear();
  if (before && !missing.empty()) write_made_from(directory, made);

  std::atomic<std::size_t> next = 0;
  std::mutex mutex;  // guards what follows, and the calls of progress
  int done = static_cast<int>(names.size() - missing.size());
  std::vector<SubjectNotes> notes(missing.size());
  std::exception_ptr failure;
  const auto work = [&] {
    for (std::size_t i = next++; i < missing.size(); i = next++) {
      try {
        notes[i] = make_named_shard(cohort, subject_of(cohort, missing[i]), shard_of(directory, missing[i]));
        const std::lock_guard lock(mutex);
        made.subjects[missing[i]] = hashes.subjects.at(missing[i]);
        write_made_from(directory, made);
        ++done;
        if (progress) progress(done, static_cast<int>(names.size()), missing[i]);
      } catch (...) {
        next = missing.size();  // the others finish the subject they are at
        const std::lock_guard lock(mutex);
        if (!failure) failure = std::current_exception();
      }
    }
  };
  {
    std::vector<std::jthread> workers;
    const std::size_t asked = threads > 0 ? static_cast<std::size_t>(threads) : usable_cores().size();
    const std::size_t count = std::min(std::max<std::size_t>(asked, 1), missing.size());
    for (std::size_t t = 1; t < count; ++t) workers.emplace_back(work);
    work();
  }
  if (failure) std::rethrow_exception(failure);
  made.subjects = hashes.subjects;  // those that were trusted have no entry yet
  made.cohort = hashes.cohort;
  write_made_from(directory, made);
  const std::vector<Remark> of_subjects = remarks_on(notes);
  remarks.insert(remarks.begin(), of_subjects.begin(), of_subjects.end());
  return remarks;
}

}  // namespace crossfade::data
