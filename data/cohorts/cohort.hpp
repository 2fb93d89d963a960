// Cohorts: a set of subjects with one split, prepared once as a folder of shards and found again by hash.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "data/anatomy/label_bias.hpp"
#include "data/anatomy/synthesis.hpp"
#include "data/cohorts/remarks.hpp"
#include "data/cohorts/split.hpp"
#include "data/shards/shard.hpp"

namespace crossfade::data {

struct CohortSpec {
  std::string source = "phantom";  // "phantom", "labels" (images are synthesised from label maps) or "scans"
  std::string root;                // what the three folders below are relative to; empty: the working directory
  std::string images;              // scans: folder of images, one a subject
  std::string labels;              // labels, scans: folder of manual label maps; scans: may be left out where
  std::string automatic_labels;    // scans: there is this folder of label maps that a program made
  std::string label_table = "freesurfer";
  std::string automatic_label_table = "freesurfer";
  std::string label_suffix;            // scans: what file names of labels have behind the subject's name, "_glm"
  std::string automatic_label_suffix;  // the same of automatic_labels
  std::string geometry = "checked";    // scans: "checked", "image" or "files": where labels lie, see pairing.hpp
  std::string exclude;                 // labels, scans: subjects to leave out, separated by spaces
  int subjects = 0;                    // phantom: how many; else 0 for all in the folder
  int size = 256;                      // slices of size x size pixels over a field of view of 256 mm
  int scans_per_subject = 1;
  std::uint64_t seed = 1;
  SplitSpec split;
  SynthesisOptions synthesis;
  LabelBiasOptions label_bias;
};

template <class Visitor>
void describe(Visitor& visit, CohortSpec& c) {
  visit.choice("source", c.source, {"phantom", "labels", "scans"},
               "formula; images synthesised from label maps of whole heads; or scans with their labels, as they come");
  visit.text("root", c.root, "folder that the next three are relative to; default: the working directory");
  visit.text("images", c.images, "folder of scans, one a subject, NIfTI or MGZ (source: scans)");
  visit.text("labels", c.labels, "folder of manual label maps, by the same names (source: labels, scans)");
  visit.text(
      "automatic_labels", c.automatic_labels,
      "folder of label maps that a program made, by the same names, beside or instead of labels (source: scans)");
  visit.text("label_table", c.label_table,
             "protocol of the ids in labels: freesurfer or miccai2012, or one of them `without` some foldings");
  visit.text("automatic_label_table", c.automatic_label_table, "the same of the ids in automatic_labels");
  visit.text("label_suffix", c.label_suffix,
             "what names of label maps have behind the scan's: _glm for 1000_3_glm.nii.gz (source: scans)");
  visit.text("automatic_label_suffix", c.automatic_label_suffix, "the same of the files in automatic_labels");
  visit.choice("geometry", c.geometry, {"checked", "image", "files"},
               "where labels lie: as their headers say, but labels of the image's size must lie where it lies; at the "
               "image's voxels, whatever their headers say; or as their headers say (source: scans)");
  visit.text("exclude", c.exclude, "names of subjects to leave out, separated by spaces; they need not be there");
  visit.integer("subjects", c.subjects, 0, 1000000, "number of subjects, the first by name; 0: all in the folder");
  visit.integer("size", c.size, 32, 256, "pixels along a side of the 256 mm field of view: 256 is 1 mm, 128 is 2 mm");
  visit.integer("scans_per_subject", c.scans_per_subject, 1, 1000,
                "scans drawn from each anatomy, for training; validation and test see the first, undeformed");
  visit.seed("seed", c.seed, "seed of anatomies, scans and split");
  visit.group("split", c.split, "which subjects train, validate and test");
  visit.group("synthesis", c.synthesis, "how T1 images are drawn from label maps");
  visit.group("label_bias", c.label_bias,
              "automatic labels beside the true ones, with this bias; none where all are 0");
}

/// Whether the scans have labels that count as the truth, without which no one can be tested.
inline bool has_manual_labels(const CohortSpec& spec) {
  return spec.source != "scans" || !spec.labels.empty();
}

/// Whether the scans have automatic labels, a program's or biased ones.
inline bool has_automatic_labels(const CohortSpec& spec) {
  return spec.source == "scans" ? !spec.automatic_labels.empty() : !(spec.label_bias == LabelBiasOptions{});
}

/// Side of the voxels of the shards in mm: the field of view is 256 mm whatever the size.
inline double voxel_mm(const CohortSpec& spec) {
  return 256.0 / spec.size;
}

/// Of the generator of each source. Raise one when the same spec of that source gives other voxels than before:
/// phantom_head; conforming of scans; what synthetic scans share (deform, synthesise_t1, bias_labels, resampling, what
/// is drawn with which key) raises the first two.
inline constexpr int kPhantomVersion = 2, kLabelMapVersion = 2, kScanVersion = 3;

inline int generator_version(const CohortSpec& spec) {
  return spec.source == "phantom" ? kPhantomVersion : spec.source == "labels" ? kLabelMapVersion : kScanVersion;
}

/// An option that does not go with the cohort's source, and why.
struct CohortFault {
  std::string key, what;
};

/// The first one, or nothing. Looks at no file.
std::optional<CohortFault> fault_of(const CohortSpec& spec);

/// Names of the subjects, sorted: file names without ending, or "phantom-001" and so on. Throws std::runtime_error for
/// a faulty spec, an empty or missing folder, fewer files than subjects, a subject that is there twice, with different
/// endings, and an image without its labels.
std::vector<std::string> subject_names(const CohortSpec& spec);

/// Where a subject comes from; empty where the cohort has nothing of the kind.
struct SubjectFiles {
  std::filesystem::path image, labels, automatic_labels;
};

/// The files of `subject`, one of subject_names(). Throws std::runtime_error where one is missing or there twice.
SubjectFiles subject_files(const CohortSpec& spec, const std::string& subject);

/// Names of files of `labels` and `automatic_labels` that belong to no scan of `images`, sorted; of source: scans.
std::vector<std::string> labels_without_scan(const CohortSpec& spec);

/// 16 hexadecimal digits over all that the shards depend on: what the spec says other than the defaults (so that an
/// option that is added later changes no hash of before), without its split, the bytes of images and label maps, the
/// label tables, the version of generator and format. The paths of folders are not part of it.
std::string cohort_hash(const CohortSpec& spec);

/// The same of one subject's shard.
std::string subject_hash(const CohortSpec& spec, const std::string& subject);

/// Said after each subject: how many are done, of how many, and its name. Comes from any thread, one call at a time.
using PrepareProgress = std::function<void(int done, int total, const std::string& subject)>;

/// Makes the shards SUBJECT.h5 in `directory` that are missing, or were made from something else (made_from.hpp), up to
/// `threads` at a time (some 500 MB of memory each, and 2 * size^3 bytes for each scan). Where `named_by_hash`, the
/// folder's name ends in "-" and the cohort_hash(), and the shards that are there are taken for what it says.
/// Idempotent. Call it from one process only. What a subject looks like depends on its name and the spec, not on other
/// subjects or `threads`. Returns what is to be said of the subjects that were made, of shards that are no longer of
/// the cohort (they stay, and prepared_subjects() leaves them out), and of labels without a scan. Throws
/// std::runtime_error naming the offending file.
std::vector<Remark> prepare_cohort(const CohortSpec& spec, const std::filesystem::path& directory, int threads,
                                   const PrepareProgress& progress, bool named_by_hash = false);

/// The shards of `subjects` in `directory`, opened, checked to be siblings, in the order given.
std::vector<Shard> open_shards(const std::filesystem::path& directory, const std::vector<std::string>& subjects);

}  // namespace crossfade::data
