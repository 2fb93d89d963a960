// Cohorts: a set of subjects with one split, prepared once as a folder of shards and found again by hash.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "data/label_bias.hpp"
#include "data/shard.hpp"
#include "data/split.hpp"
#include "data/synthesis.hpp"

namespace crossfade::data {

struct CohortSpec {
  std::string source = "phantom";  // "phantom" or "labels"
  std::string labels;              // folder of NIfTI label maps of whole heads, for source: labels
  std::string label_table = "freesurfer";
  int subjects = 0;  // phantom: how many; labels: 0 for all in the folder
  int size = 256;    // slices of size x size pixels over a field of view of 256 mm
  int scans_per_subject = 1;
  std::uint64_t seed = 1;
  SplitSpec split;
  SynthesisOptions synthesis;
  LabelBiasOptions label_bias;
};

template <class Visitor>
void describe(Visitor& visit, CohortSpec& c) {
  visit.choice("source", c.source, {"phantom", "labels"}, "where anatomies come from");
  visit.text("labels", c.labels,
             "folder of NIfTI label maps of whole heads (source: labels), relative to the working directory");
  visit.choice("label_table", c.label_table, {"freesurfer", "miccai2012"}, "protocol of the ids in the label maps");
  visit.integer("subjects", c.subjects, 0, 1000000, "number of subjects; 0: all label maps of the folder");
  visit.integer("size", c.size, 32, 256, "pixels along a side of the 256 mm field of view: 256 is 1 mm, 128 is 2 mm");
  visit.integer("scans_per_subject", c.scans_per_subject, 1, 1000,
                "scans drawn from each anatomy, for training; validation and test see the first, undeformed");
  visit.seed("seed", c.seed, "seed of anatomies, scans and split");
  visit.group("split", c.split, "which subjects train, validate and test");
  visit.group("synthesis", c.synthesis, "how T1 images are drawn from label maps");
  visit.group("label_bias", c.label_bias,
              "automatic labels beside the true ones, with this bias; none where all are 0");
}

/// Whether the scans have automatic labels beside the manual ones.
inline bool has_automatic_labels(const CohortSpec& spec) {
  return !(spec.label_bias == LabelBiasOptions{});
}

/// Side of the voxels of the shards in mm: the field of view is 256 mm whatever the size.
inline double voxel_mm(const CohortSpec& spec) {
  return 256.0 / spec.size;
}

/// Raise it when the same spec gives other voxels than before: in phantom_head, deform, synthesise_t1, resampling,
/// conforming, or in what is drawn with which key.
inline constexpr int kGeneratorVersion = 2;

/// Names of the subjects, sorted: file names without ending, or "phantom-001" and so on. Throws std::runtime_error for
/// an empty or missing folder, for fewer label maps than subjects, and for a phantom without subjects or with another
/// table than freesurfer.
std::vector<std::string> subject_names(const CohortSpec& spec);

/// The label map that `subject` of source: labels comes from. Throws std::runtime_error where there is none.
std::filesystem::path label_map_file(const CohortSpec& spec, const std::string& subject);

/// 16 hexadecimal digits over all that the shards depend on: what the spec says other than the defaults (so that an
/// option that is added later changes no hash of before), without its split, the bytes of the label maps,
/// the label table, the version of generator and format. The path of the label maps is not part of it.
std::string cohort_hash(const CohortSpec& spec);

/// Said after each subject: how many are done, of how many, and a line about the last (with the ids that its label
/// table does not name). Comes from any thread, one call at a time.
using PrepareProgress = std::function<void(int done, int total, const std::string& message)>;

/// Makes the missing shards SUBJECT.h5 in `directory`, up to `threads` at a time (some 300 MB of memory each, and
/// 2 * size^3 bytes for each scan). Idempotent; shards that are there stay. Call it from one process only. What a
/// subject looks like depends on its name and the spec, not on other subjects or `threads`. Throws std::runtime_error
/// naming the offending file.
void prepare_cohort(const CohortSpec& spec, const std::filesystem::path& directory, int threads,
                    const PrepareProgress& progress);

/// The shards of `subjects` in `directory`, opened, checked to be siblings, in the order given.
std::vector<Shard> open_shards(const std::filesystem::path& directory, const std::vector<std::string>& subjects);

}  // namespace crossfade::data
