#include "data/cohorts/cohort.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <initializer_list>
#include <stdexcept>
#include <string_view>

#include "data/hash.hpp"
#include "data/labels/label_table.hpp"
#include "data/volumes/image.hpp"
#include "data/volumes/nifti_header.hpp"
#include "data/words.hpp"

namespace crossfade::data {
namespace {

std::vector<std::string> phantom_names(const CohortSpec& spec) {
  std::vector<std::string> names;
  for (int s = 1; s <= spec.subjects; ++s) {
    const std::string number = std::to_string(s);
    names.push_back("phantom-" + std::string(3 - std::min<std::size_t>(number.size(), 3), '0') + number);
  }
  std::sort(names.begin(), names.end());
  return names;
}

/// One of the spec's folders.
std::filesystem::path folder_of(const CohortSpec& spec, const std::string& folder) {
  return std::filesystem::path(spec.root) / folder;
}

std::vector<std::string> names_in(const std::filesystem::path& folder, const std::string& what,
                                  const CohortSpec& spec) {
  const std::vector<std::string> left_out = words_of(spec.exclude);
  std::vector<std::string> names;
  for (const auto& [name, file] : volumes_in(folder, what + "s"))
    if (std::find(left_out.begin(), left_out.end(), name) == left_out.end()) names.push_back(name);
  if (names.empty())
    throw std::runtime_error(folder.string() + ": no " + what + " (.nii.gz, .nii, .mgz or .mgh) in this folder");
  if (spec.subjects > 0) {
    if (static_cast<std::size_t>(spec.subjects) > names.size())
      throw std::runtime_error(folder.string() + ": " + std::to_string(names.size()) + " " + what +
                               "s, but subjects is " + std::to_string(spec.subjects));
    names.resize(static_cast<std::size_t>(spec.subjects));
  }
  return names;
}

/// The labels called `name` in `folder`. Throws std::runtime_error naming their `image` where there are none.
std::filesystem::path labels_for(const std::filesystem::path& image, const std::filesystem::path& folder,
                                 const std::string& name, const std::string& what) {
  if (const std::filesystem::path labels = find_volume(folder, name); !labels.empty()) return labels;
  throw std::runtime_error(image.string() + " has no " + what + " in " + folder.string() + ": expected " + name +
                           ".nii.gz, " + name + ".nii, " + name + ".mgz or " + name + ".mgh");
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
    // Names of subjects, bytes of files and the tables' own hashes stand for these.
    for (const std::string_view other : {"subjects", "root", "images", "labels", "automatic_labels", "label_table",
                                         "automatic_label_table", "label_suffix", "automatic_label_suffix", "exclude"})
      if (name == other) return;
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

/// What the shards of all subjects depend on alike.
std::string text_of_all_subjects(const CohortSpec& spec) {
  std::string text = "generator=" + std::to_string(generator_version(spec)) +
                     "\nshard=" + std::to_string(kShardVersion) +
                     "\nlabel_table=" + label_table(spec.label_table).hash() + "\n";
  const std::vector<std::string> lines = canonical_lines(spec), defaults = canonical_lines(CohortSpec{});
  for (std::size_t i = 0; i < lines.size(); ++i)
    if (lines[i] != defaults[i]) text += lines[i];
  if (!spec.automatic_labels.empty())
    text += "automatic_label_table=" + label_table(spec.automatic_label_table).hash() + "\n";
  return text;
}

void add_subject(const CohortSpec& spec, const std::string& subject, Sha256& hash) {
  hash.update("subject=" + subject + "\n");
  const SubjectFiles files = subject_files(spec, subject);
  const auto add = [&](const char* what, const std::filesystem::path& file) {
    if (!file.empty()) hash.update(what).update_file(file);
  };
  add("image=", files.image);
  add("", files.labels);
  add("automatic=", files.automatic_labels);
  // Generator 2 of label maps took the affine as ITK does: only those that it placed elsewhere have another hash now.
  if (spec.source == "labels" && itk_places_elsewhere(files.labels)) hash.update("affine=nibabel\n");
}

}  // namespace

std::optional<CohortFault> fault_of(const CohortSpec& spec) {
  const auto fault = [](const char* key, std::string what) { return CohortFault{key, std::move(what)}; };
  const auto belongs_to = [&](const char* key, const std::string& sources) {
    return fault(key, "source: " + spec.source + " has no " + key + ", expected source: " + sources + " beside it");
  };
  for (const auto& [key, table] :
       {std::pair("label_table", &spec.label_table), std::pair("automatic_label_table", &spec.automatic_label_table)}) {
    if (const std::string wrong = label_table_fault(*table); !wrong.empty()) return fault(key, wrong);
  }
  if (const std::string wrong = label_bias_fault(spec.label_bias); !wrong.empty()) return fault("label_bias", wrong);
  if (spec.source == "phantom") {
    if (spec.subjects < 1) return fault("subjects", "source: phantom needs subjects: how many heads to make");
    if (!spec.label_table.starts_with("freesurfer"))
      return fault("label_table",
                   "phantoms have FreeSurfer ids: label_table must be freesurfer, not " + spec.label_table);
    if (!spec.root.empty()) return belongs_to("root", "labels or scans");
    if (!spec.labels.empty()) return belongs_to("labels", "labels or scans");
    if (!spec.exclude.empty()) return belongs_to("exclude", "labels or scans");
  } else if (spec.source == "labels") {
    if (spec.labels.empty()) return fault("labels", "source: labels needs labels: the folder of label maps");
  } else if (spec.source == "scans") {
    if (spec.images.empty()) return fault("images", "source: scans needs images: the folder of scans");
    if (spec.labels.empty() && spec.automatic_labels.empty())
      return fault("labels", "source: scans needs labels or automatic_labels: a folder of label maps");
    if (!(spec.label_bias == LabelBiasOptions{}))
      return fault("label_bias",
                   "label_bias makes automatic labels of synthetic scans, but source: scans takes those "
                   "in the folder automatic_labels");
    if (!(spec.synthesis == SynthesisOptions{}))
      return fault("synthesis", "synthesis draws images from label maps, but source: scans takes images as they are");
    if (spec.scans_per_subject != 1)
      return fault("scans_per_subject", "source: scans has one scan a subject, not " +
                                            std::to_string(spec.scans_per_subject) + ": leave out scans_per_subject");
  } else {
    return fault("source", "a cohort's source is phantom, labels or scans, not '" + spec.source + "'");
  }
  if (spec.source != "scans") {
    if (!spec.images.empty()) return belongs_to("images", "scans");
    if (!spec.automatic_labels.empty()) return belongs_to("automatic_labels", "scans");
    if (!spec.label_suffix.empty()) return belongs_to("label_suffix", "scans");
    if (!spec.automatic_label_suffix.empty()) return belongs_to("automatic_label_suffix", "scans");
    if (spec.geometry != CohortSpec{}.geometry) return belongs_to("geometry", "scans");
  }
  return std::nullopt;
}

std::vector<std::string> subject_names(const CohortSpec& spec) {
  if (const auto fault = fault_of(spec)) throw std::runtime_error(fault->what);
  if (spec.source == "phantom") return phantom_names(spec);
  if (spec.source == "labels") return names_in(folder_of(spec, spec.labels), "label map", spec);
  const std::vector<std::string> names = names_in(folder_of(spec, spec.images), "scan", spec);
  for (const std::string& name : names) subject_files(spec, name);  // before hours of work, not after
  return names;
}

SubjectFiles subject_files(const CohortSpec& spec, const std::string& subject) {
  SubjectFiles files;
  const auto first = [&](const std::string& in, const char* what) {
    const std::filesystem::path folder = folder_of(spec, in);
    if (std::filesystem::path file = find_volume(folder, subject); !file.empty()) return file;
    throw std::runtime_error(folder.string() + ": there is no " + what + " of subject '" + subject + "'");
  };
  if (spec.source == "labels") files.labels = first(spec.labels, "label map");
  if (spec.source != "scans") return files;
  files.image = first(spec.images, "scan");
  if (has_manual_labels(spec))
    files.labels = labels_for(files.image, folder_of(spec, spec.labels), subject + spec.label_suffix, "labels");
  if (has_automatic_labels(spec))
    files.automatic_labels = labels_for(files.image, folder_of(spec, spec.automatic_labels),
                                        subject + spec.automatic_label_suffix, "automatic labels");
  return files;
}

std::vector<std::string> labels_without_scan(const CohortSpec& spec) {
  if (spec.source != "scans") return {};
  const auto scans = volumes_in(folder_of(spec, spec.images), "scans");
  std::vector<std::string> strangers;
  for (const auto& [labels, suffix] :
       {std::pair(&spec.labels, &spec.label_suffix), std::pair(&spec.automatic_labels, &spec.automatic_label_suffix)}) {
    // Without a suffix of their own, labels beside the scans can't be told from them.
    if (labels->empty() || (suffix->empty() && *labels == spec.images)) continue;
    for (const auto& [name, file] : volumes_in(folder_of(spec, *labels), "labels"))
      if (name.ends_with(*suffix) && !scans.contains(name.substr(0, name.size() - suffix->size())))
        strangers.push_back(file.filename().string());
  }
  std::sort(strangers.begin(), strangers.end());
  return strangers;
}

std::string cohort_hash(const CohortSpec& spec) {
  Sha256 hash;
  hash.update(text_of_all_subjects(spec));
  for (const std::string& subject : subject_names(spec)) add_subject(spec, subject, hash);
  return hash.hex().substr(0, 16);
}

std::string subject_hash(const CohortSpec& spec, const std::string& subject) {
  Sha256 hash;
  hash.update(text_of_all_subjects(spec));
  add_subject(spec, subject, hash);
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
