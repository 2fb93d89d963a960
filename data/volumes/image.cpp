#include "data/volumes/image.hpp"

#include <array>
#include <stdexcept>
#include <string_view>

#include "data/volumes/mgz.hpp"
#include "data/volumes/nifti.hpp"

namespace crossfade::data {
namespace {

constexpr std::array<std::string_view, 4> kEndings{".nii.gz", ".nii", ".mgz", ".mgh"};

/// Length of the known ending of a file's name; 0 where there is none, or nothing before it.
std::size_t ending_length(const std::string& name) {
  for (const std::string_view ending : kEndings)
    if (name.size() > ending.size() && name.ends_with(ending)) return ending.size();
  return 0;
}

bool is_mgh(const std::filesystem::path& file) {
  if (ending_length(file.filename().string()) == 0)
    throw std::runtime_error(file.string() + ": is no volume by its ending (.nii, .nii.gz, .mgz or .mgh)");
  return file.extension() == ".mgz" || file.extension() == ".mgh";
}

}  // namespace

std::string subject_of(const std::filesystem::path& file) {
  const std::string name = file.filename().string();
  const std::size_t ending = ending_length(name);
  return ending == 0 ? std::string() : name.substr(0, name.size() - ending);
}

std::filesystem::path find_volume(const std::filesystem::path& folder, const std::string& subject) {
  std::filesystem::path found;
  for (const std::string_view ending : kEndings) {
    const std::filesystem::path file = folder / (subject + std::string(ending));
    if (!std::filesystem::exists(file)) continue;
    if (!found.empty())
      throw std::runtime_error(folder.string() + ": subject '" + subject + "' is there twice, as " +
                               found.filename().string() + " and as " + file.filename().string());
    found = file;
  }
  return found;
}

std::map<std::string, std::filesystem::path> volumes_in(const std::filesystem::path& folder, const std::string& what) {
  std::error_code error;
  const std::filesystem::directory_iterator files(folder, error);
  if (error) throw std::runtime_error(folder.string() + ": no folder of " + what + ": " + error.message());
  std::map<std::string, std::filesystem::path> volumes;
  for (const auto& file : files) {
    const std::string subject = subject_of(file.path());
    if (!subject.empty() && !volumes.contains(subject)) volumes[subject] = find_volume(folder, subject);
  }
  return volumes;
}

Volume<float> read_image(const std::filesystem::path& file) {
  return is_mgh(file) ? read_mgz_image(file) : read_nifti_image(file);
}

Volume<std::int32_t> read_labels(const std::filesystem::path& file) {
  return is_mgh(file) ? read_mgz_label_map(file) : read_label_map(file);
}

}  // namespace crossfade::data
