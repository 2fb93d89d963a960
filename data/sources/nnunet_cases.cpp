#include "data/sources/nnunet_cases.hpp"

#include <algorithm>
#include <cctype>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "data/sources/nnunet_json.hpp"
#include "data/volumes/volume_file.hpp"

namespace crossfade::data {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

/// The images of one case, or why they are not all there.
struct CaseImages {
  std::vector<fs::path> files;
  std::string fault;
};

/// Files by number of channel, CASE_0000.ENDING first.
using NumberedFiles = std::map<std::size_t, fs::path>;

void add_case(SubjectList& list, const std::string& name, CaseImages images, const fs::path& labels,
              const std::string& part) {
  std::string fault = std::move(images.fault);
  if (!is_file(labels)) fault += (fault.empty() ? "" : ", and ") + labels.string() + " is not there";
  if (!fault.empty())
    list.left_out.push_back(name + ": " + fault);
  else
    list.subjects.push_back({name, std::move(images.files), labels, {}, part, name});
}

/// "_0002" before the ending of a file of channel 2.
std::string number_of(std::size_t channel) {
  const std::string digits = std::to_string(channel);
  std::string number = "_";
  number.append(4 - std::min<std::size_t>(digits.size(), 4), '0');
  return number + digits;
}

/// Names of the files of `folder` but for hidden ones (what other systems leave beside files: ._CASE.nii.gz).
std::vector<std::string> names_in(const fs::path& folder) {
  std::error_code error;
  std::vector<std::string> names;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error))
    if (std::string name = entry->path().filename().string(); !name.starts_with('.')) names.push_back(std::move(name));
  if (error) fail(folder, "cannot be read as a folder: " + error.message());
  return names;
}

/// Whether there are test cases with labels.
bool has_tested_cases(const fs::path& folder) {
  std::error_code error;
  return fs::is_directory(folder / "labelsTs", error) && fs::is_directory(folder / "imagesTs", error);
}

std::string without(const std::string& name, const std::string& ending) {
  return name.size() > ending.size() && name.ends_with(ending) ? name.substr(0, name.size() - ending.size()) : "";
}

// nnU-Net 2

std::map<std::string, NumberedFiles> numbered_images(const fs::path& folder, const std::string& ending) {
  constexpr std::size_t kNumber = 5;  // "_0000"
  std::map<std::string, NumberedFiles> cases;
  for (const std::string& name : names_in(folder)) {
    const std::string stem = without(name, ending);
    if (stem.size() <= kNumber) continue;
    const std::string number = stem.substr(stem.size() - kNumber);
    if (number[0] != '_' ||
        !std::all_of(number.begin() + 1, number.end(), [](unsigned char c) { return std::isdigit(c) != 0; }))
      continue;
    cases[stem.substr(0, stem.size() - kNumber)].emplace(std::stoul(number.substr(1)), folder / name);
  }
  return cases;
}

CaseImages case_images(const NumberedFiles& numbered, const fs::path& first, const std::string& ending,
                       std::size_t files) {
  CaseImages images;
  for (std::size_t channel = 0; channel < files; ++channel) {
    const auto found = numbered.find(channel);
    if (found == numbered.end()) {
      images.fault +=
          (images.fault.empty() ? "" : ", ") + first.string() + number_of(channel) + ending + " is not there";
      continue;
    }
    require_file(found->second);
    images.files.push_back(found->second);
  }
  if (!numbered.empty() && numbered.rbegin()->first >= files)
    images.fault += (images.fault.empty() ? "" : ", ") + numbered.rbegin()->second.string() + " is none of the " +
                    std::to_string(files) + " channels";
  return images;
}

void add_scanned_cases(SubjectList& list, const fs::path& images, const fs::path& labels, const std::string& ending,
                       std::size_t channels, const std::string& part) {
  const std::map<std::string, NumberedFiles> numbered = numbered_images(images, ending);
  const bool one_file = std::ranges::all_of(numbered, [](const auto& of) { return of.second.rbegin()->first == 0; });
  std::set<std::string> names;
  for (const std::string& name : names_in(labels))
    if (const std::string stem = without(name, ending); !stem.empty()) names.insert(stem);
  if (part.empty())
    for (const auto& [name, files] : numbered) names.insert(name);
  for (const std::string& name : names) {
    const auto found = numbered.find(name);
    add_case(list, name,
             case_images(found == numbered.end() ? NumberedFiles{} : found->second, images / name, ending,
                         one_file ? 1 : channels),
             labels / (name + ending), part);
  }
}

void add_listed_cases(SubjectList& list, const fs::path& folder, const json& dataset, std::size_t channels) {
  const fs::path file = folder / "dataset.json";
  for (const auto& [name, files] : member_of(file, dataset, "", "dataset", json::value_t::object).items()) {
    const std::string key = "dataset." + name;
    const json& listed = member_of(file, files, key, "images", json::value_t::array);
    if (listed.size() != 1 && listed.size() != channels)
      refuse_key(file, key + ".images",
                 "has " + std::to_string(listed.size()) + " files, expected one for each of the " +
                     std::to_string(channels) + " channel_names, or one for all");
    CaseImages images;
    for (const json& image : listed) {
      if (!image.is_string())
        refuse_key(file, key + ".images", "has " + excerpt_of(image) + ", expected paths of files");
      images.files.push_back((folder / image.get<std::string>()).lexically_normal());
      if (!is_file(images.files.back()))
        images.fault += (images.fault.empty() ? "" : ", ") + images.files.back().string() + " is not there";
    }
    const std::string label = member_of(file, files, key, "label", json::value_t::string).get<std::string>();
    add_case(list, name, std::move(images), (folder / label).lexically_normal(), "");
  }
}

// Decathlon and nnU-Net 1

struct NameAndEnding {
  std::string name, ending;
};

NameAndEnding parts_of(const fs::path& file) {
  const std::string whole = file.filename().string(), ending = volume_ending(file);
  if (ending.empty()) return {file.stem().string(), file.extension().string()};
  return {whole.substr(0, whole.size() - ending.size()), whole.substr(whole.size() - ending.size())};
}

/// `image` itself, or the files of its channels beside where it would be.
CaseImages images_at(const fs::path& image, std::size_t channels) {
  if (is_file(image)) return {{image}, {}};
  const auto [name, ending] = parts_of(image);
  CaseImages images;
  for (std::size_t channel = 0; channel < channels; ++channel) {
    std::string numbered = name;
    numbered.append(number_of(channel)).append(ending);
    images.files.push_back(image.parent_path() / numbered);
    if (is_file(images.files.back())) continue;
    const std::string file = images.files.back().string();
    if (channel == 0) images.fault.append("neither ").append(image.string()).append(" nor ");
    images.fault.append(file).append(channel == 0 ? " is there" : " is not there");
    break;
  }
  return images;
}

}  // namespace

SubjectList nnunet2_cases(const fs::path& folder, const json& dataset, std::size_t channels) {
  SubjectList list;
  const bool is_listed = dataset.contains("dataset");
  if (is_listed) add_listed_cases(list, folder, dataset, channels);
  if (is_listed && !dataset.contains("file_ending")) return list;
  const std::string ending =
      member_of(folder / "dataset.json", dataset, "", "file_ending", json::value_t::string).get<std::string>();
  if (!ending.starts_with('.'))
    refuse_key(folder / "dataset.json", "file_ending", "is '" + ending + "', expected such as .nii.gz");
  if (!is_listed) add_scanned_cases(list, folder / "imagesTr", folder / "labelsTr", ending, channels, "");
  if (has_tested_cases(folder))
    add_scanned_cases(list, folder / "imagesTs", folder / "labelsTs", ending, channels, "test");
  if (list.subjects.empty() && list.left_out.empty())
    refuse_key(
        folder / "dataset.json", "file_ending",
        "is '" + ending + "', but " + (folder / "imagesTr").string() + " has no file such as CASE_0000" + ending);
  return list;
}

SubjectList decathlon_cases(const fs::path& folder, const json& dataset, std::size_t channels) {
  SubjectList list;
  const fs::path file = folder / "dataset.json";
  std::size_t number = 0;
  for (const json& entry : member_of(file, dataset, "", "training", json::value_t::array)) {
    const std::string key = "training[" + std::to_string(number++) + "]";
    const auto path = [&](const char* name) {
      return (folder / member_of(file, entry, key, name, json::value_t::string).get<std::string>()).lexically_normal();
    };
    const fs::path image = path("image");
    add_case(list, parts_of(image).name, images_at(image, channels), path("label"), "");
  }
  if (!has_tested_cases(folder)) return list;
  for (const std::string& name : names_in(folder / "labelsTs"))
    if (!volume_ending(name).empty())
      add_case(list, parts_of(name).name, images_at(folder / "imagesTs" / name, channels), folder / "labelsTs" / name,
               "test");
  return list;
}

}  // namespace crossfade::data
