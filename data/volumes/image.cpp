#include "data/volumes/image.hpp"

#include <algorithm>
#include <stdexcept>

#include "data/volumes/mgz.hpp"
#include "data/volumes/nifti.hpp"
#include "data/volumes/picture.hpp"
#include "data/volumes/volume_file.hpp"

namespace crossfade::data {
namespace {

namespace fs = std::filesystem;

bool is_mgh(const fs::path& file) {
  const std::string ending = volume_ending(file);
  if (ending.empty()) fail(file, "is no volume by its ending (.nii, .nii.gz, .mgz or .mgh)");
  return ending == ".mgz" || ending == ".mgh";
}

/// Those files of `folder` that `name_of` names; no other file is looked at.
template <class NameOf>
std::map<std::string, fs::path> files_where(const fs::path& folder, const std::string& what, const NameOf& name_of) {
  std::error_code error;
  const fs::directory_iterator files(folder, error);
  if (error)
    throw std::runtime_error(
        folder.string() + ": no folder of " + what + ": " + error.message() +
        (folder.string().find('*') == std::string::npos
             ? ""
             : "; in a pattern {subject} says where the name stands, as in scans/{subject}.nii.gz"));
  std::map<std::string, fs::path> volumes;
  for (const auto& entry : files) {
    const std::string subject = name_of(entry.path());
    if (subject.empty()) continue;
    require_file(entry.path());
    const auto [twin, is_new] = volumes.emplace(subject, entry.path());
    if (is_new) continue;
    const std::string one = twin->second.filename().string(), other = entry.path().filename().string();
    throw std::runtime_error(folder.string() + ": subject '" + subject + "' is there twice, as " +
                             std::min(one, other) + " and as " + std::max(one, other));
  }
  return volumes;
}

}  // namespace

std::string subject_of(const fs::path& file) {
  const std::string name = file.filename().string();
  if (name.starts_with('.')) return "";  // ._s1.nii.gz: what other systems leave beside s1.nii.gz
  const std::string ending = volume_ending(file);
  return ending.empty() ? "" : name.substr(0, name.size() - ending.size());
}

std::map<std::string, fs::path> volumes_in(const fs::path& folder, const std::string& what) {
  std::map<std::string, fs::path> volumes = files_where(folder, what, subject_of);
  if (!volumes.empty()) return volumes;
  return files_where(folder, what, [](const fs::path& file) {
    const std::string name = file.filename().string();
    return is_picture(file) && !name.starts_with('.') ? file.stem().string() : std::string();
  });
}

ReadVolume<float> read_image(const fs::path& file) {
  return is_mgh(file) ? read_mgz_image(file) : read_nifti_image(file);
}

std::vector<ReadVolume<float>> read_channels(const fs::path& file) {
  if (is_picture(file)) return read_picture(file);
  return is_mgh(file) ? read_mgz_channels(file) : read_nifti_channels(file);
}

ReadVolume<std::int32_t> read_labels(const fs::path& file) {
  if (is_picture(file)) return read_picture_labels(file);
  return is_mgh(file) ? read_mgz_label_map(file) : read_label_map(file);
}

void write_labels(const fs::path& file, const Volume<std::int32_t>& labels) {
  if (is_picture(file)) return write_picture_labels(file, labels);
  if (is_mgh(file)) return write_mgz_label_map(file, labels);
  write_small_label_map(file, labels);
}

}  // namespace crossfade::data
