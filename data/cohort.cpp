#include "data/cohort.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <initializer_list>
#include <stdexcept>
#include <string_view>

#include "data/hash.hpp"
#include "data/label_table.hpp"

namespace crossfade::data {
namespace {

/// File name without .nii or .nii.gz; empty for other files.
std::string subject_of(const std::filesystem::path& file) {
  const std::string name = file.filename().string();
  for (const std::string_view ending : {".nii.gz", ".nii"})
    if (name.size() > ending.size() && name.ends_with(ending)) return name.substr(0, name.size() - ending.size());
  return {};
}

std::vector<std::string> phantom_names(const CohortSpec& spec) {
  if (spec.subjects < 1) throw std::runtime_error("a phantom cohort needs subjects: how many heads to make");
  if (spec.label_table != "freesurfer")
    throw std::runtime_error("a phantom cohort has FreeSurfer ids: label_table must be freesurfer, not " +
                             spec.label_table);
  std::vector<std::string> names;
  for (int s = 1; s <= spec.subjects; ++s) {
    const std::string number = std::to_string(s);
    names.push_back("phantom-" + std::string(3 - std::min<std::size_t>(number.size(), 3), '0') + number);
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<std::string> label_map_names(const CohortSpec& spec) {
  if (spec.labels.empty())
    throw std::runtime_error("a cohort of source: labels needs labels: the folder of label maps");
  std::error_code error;
  const std::filesystem::directory_iterator folder(spec.labels, error);
  if (error) throw std::runtime_error(spec.labels + ": no folder of label maps: " + error.message());
  std::vector<std::string> names;
  for (const auto& entry : folder)
    if (std::string name = subject_of(entry.path()); !name.empty()) names.push_back(std::move(name));
  std::sort(names.begin(), names.end());
  if (names.empty()) throw std::runtime_error(spec.labels + ": no label map (.nii or .nii.gz) in this folder");
  if (const auto twin = std::adjacent_find(names.begin(), names.end()); twin != names.end())
    throw std::runtime_error(spec.labels + ": subject '" + *twin + "' is there both as .nii and as .nii.gz");
  if (spec.subjects > 0) {
    if (static_cast<std::size_t>(spec.subjects) > names.size())
      throw std::runtime_error(spec.labels + ": " + std::to_string(names.size()) + " label maps, but subjects is " +
                               std::to_string(spec.subjects));
    names.resize(static_cast<std::size_t>(spec.subjects));
  }
  return names;
}

/// Writes the options that the pixels of a shard depend on as lines of "name=value"; numbers in the shortest form that
/// reads back as the same number.
class CanonicalText {
 public:
  void number(std::string_view name, double value, double, double, std::string_view) {
    std::array<char, 32> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
    line(name, std::string(digits.data(), end));
  }
  void integer(std::string_view name, int value, int, int, std::string_view) { line(name, std::to_string(value)); }
  void seed(std::string_view name, std::uint64_t value, std::string_view) { line(name, std::to_string(value)); }
  void choice(std::string_view name, const std::string& value, std::initializer_list<const char*>, std::string_view) {
    line(name, value);
  }
  void text(std::string_view name, const std::string& value, std::string_view) { line(name, value); }
  template <class Options>
  void group(std::string_view name, Options& options, std::string_view) {
    if (name == "split") return;
    const std::string outer = prefix_;
    prefix_ += std::string(name) + ".";
    describe(*this, options);
    prefix_ = outer;
  }
  const std::vector<std::string>& lines() const { return lines_; }

 private:
  void line(std::string_view name, const std::string& value) {
    // Names of subjects, bytes of label maps and the table's own hash stand for these three.
    if (name == "subjects" || name == "labels" || name == "label_table") return;
    lines_.push_back(prefix_ + std::string(name) + "=" + value + "\n");
  }

  std::string prefix_;
  std::vector<std::string> lines_;
};

std::vector<std::string> canonical_lines(CohortSpec spec) {
  CanonicalText text;
  describe(text, spec);
  return text.lines();
}

}  // namespace

std::vector<std::string> subject_names(const CohortSpec& spec) {
  if (spec.source == "phantom") return phantom_names(spec);
  if (spec.source == "labels") return label_map_names(spec);
  throw std::runtime_error("a cohort's source is phantom or labels, not '" + spec.source + "'");
}

std::filesystem::path label_map_file(const CohortSpec& spec, const std::string& subject) {
  for (const char* ending : {".nii.gz", ".nii"})
    if (auto file = std::filesystem::path(spec.labels) / (subject + ending); std::filesystem::exists(file)) return file;
  throw std::runtime_error(spec.labels + ": there is no label map " + subject + ".nii.gz or " + subject + ".nii");
}

std::string cohort_hash(const CohortSpec& spec) {
  Sha256 hash;
  hash.update("generator=" + std::to_string(kGeneratorVersion) + "\nshard=" + std::to_string(kShardVersion) +
              "\nlabel_table=" + label_table(spec.label_table).hash() + "\n");
  const std::vector<std::string> lines = canonical_lines(spec), defaults = canonical_lines(CohortSpec{});
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (lines[i] != defaults[i]) hash.update(lines[i]);
  }
  for (const std::string& subject : subject_names(spec)) {
    hash.update("subject=" + subject + "\n");
    if (spec.source == "labels") hash.update_file(label_map_file(spec, subject));
  }
  return hash.hex().substr(0, 16);
}

std::vector<Shard> open_shards(const std::filesystem::path& directory, const std::vector<std::string>& subjects) {
  std::vector<Shard> shards;
  shards.reserve(subjects.size());
  for (const std::string& subject : subjects) {
    shards.emplace_back(directory / (subject + ".h5"));
    if (const std::string& found = shards.back().info().subject; found != subject)
      throw std::runtime_error(shards.back().file().string() + ": the subject is '" + found + "' instead of '" +
                               subject + "'");
    require_siblings(shards.front(), shards.back());
  }
  return shards;
}

}  // namespace crossfade::data
