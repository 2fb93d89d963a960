#include "runner/trial/branches.hpp"

#include <exception>
#include <system_error>

#include "runner/trial/checkpoint.hpp"
#include "runner/trial/stage_net.hpp"
#include "runner/trial/state.hpp"

namespace crossfade::runner {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFile = "branch.safetensors";
constexpr const char* kBest = "best.safetensors";

}  // namespace

std::vector<schedules::ScheduledTerm> with_terms(std::vector<schedules::ScheduledTerm> loss,
                                                 const std::vector<std::string>& others) {
  for (const std::string& name : others) loss.push_back({name, schedules::constant(0)});
  return loss;
}

fs::path branch_file(const fs::path& checkpoints, const std::string& key) {
  return stage_folder(checkpoints, key) / kFile;
}

fs::path branch_best(const fs::path& checkpoints, const std::string& key) {
  return stage_folder(checkpoints, key) / kBest;
}

std::vector<fs::path> branch_files(const fs::path& checkpoints) {
  std::vector<fs::path> files;
  std::error_code error;
  for (const auto& folder : fs::directory_iterator(checkpoints, error))
    if (fs::exists(folder.path() / kFile, error)) files.push_back(folder.path() / kFile);
  return files;
}

std::int64_t steps_of_branch(const fs::path& checkpoints, const std::string& key) {
  const fs::path file = branch_file(checkpoints, key);
  if (std::error_code error; !fs::exists(file, error)) return 0;
  try {
    return position_from_json(read_metadata(file).text("position")).optimizer_steps;
  } catch (const std::exception& damaged) {
    return 0;
  }
}

std::uintmax_t bytes_of_branches(const fs::path& checkpoints) {
  std::uintmax_t bytes = 0;
  std::error_code error;
  for (const fs::path& file : branch_files(checkpoints))
    for (const char* name : {kFile, kBest})
      if (const std::uintmax_t size = fs::file_size(file.parent_path() / name, error); !error) bytes += size;
  return bytes;
}

void drop_branch(const fs::path& checkpoints, const std::string& key) noexcept {
  std::error_code ignored;
  if (!fs::exists(branch_file(checkpoints, key), ignored)) return;
  fs::remove(branch_best(checkpoints, key), ignored);  // first: what a kill leaves is still known as a branch
  fs::remove_all(stage_folder(checkpoints, key), ignored);
}

}  // namespace crossfade::runner
