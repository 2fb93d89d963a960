// Cohorts: a set of subjects with one split, prepared once as a folder of shards and found again by hash.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "data/cohorts/cohort_spec.hpp"
#include "data/cohorts/remarks.hpp"
#include "data/cohorts/slice_grid.hpp"
#include "data/cohorts/source_split.hpp"
#include "data/labels/label_table.hpp"
#include "data/shards/shard.hpp"
#include "data/sources/subject_list.hpp"

namespace crossfade::data {

/// A cohort as its files have it.
struct Cohort {
  CohortSpec spec;  // with what was derived said in it (stated() in slice_grid.hpp)
  LabelTable table, automatic_table;
  bool has_manual = true, has_automatic = false;
  std::vector<std::string> channels;
  std::vector<ListedSubject> subjects;  // sorted by name
  SliceGrid grid;
  std::vector<SourceFold> folds;  // that the source says; empty where it says none
  std::vector<Remark> remarks;    // on who is left out, labels without a scan, spacings
};

/// Lists the subjects once, and derives what the spec leaves open: classes from a dataset.json, the grid from the
/// headers of the images. Throws std::runtime_error for a faulty spec, an empty or missing folder, fewer files than
/// subjects, a subject that is there twice, with different endings, an image without its labels in folders (patterns,
/// tables and data sets leave it out and say so, unless `strict`), and what the sources throw.
Cohort open_cohort(const CohortSpec& spec);

/// Names of the subjects, sorted.
std::vector<std::string> subject_names(const Cohort& cohort);

/// The person whose scan each subject is, by subject; empty where the source tells no persons from subjects.
std::map<std::string, std::string> persons_of(const Cohort& cohort);

/// Throws std::invalid_argument for a name that is none of subject_names().
const ListedSubject& subject_of(const Cohort& cohort, const std::string& name);

/// The side of the voxels of the shards in mm where all have one and the same; nothing else.
std::optional<double> voxel_mm(const Cohort& cohort);

/// Who trains, validates and tests in this fold, as the spec's split says: by number, by name, by fold, by the source's
/// own parts or folds. Scans of one person are in one part. Throws as split_subjects().
Split split_of(const Cohort& cohort, int fold);

/// 16 hexadecimal digits each, over all that shards depend on: what the spec says other than the defaults (so that an
/// option that is added later changes no hash of before), without its split, the bytes of images and label maps, the
/// label tables, the version of generator and format. The paths of folders are not part of it.
struct CohortHashes {
  std::string cohort;
  std::map<std::string, std::string> subjects;  // the same of one subject's shard, by name
};

/// Reads every file of the cohort once.
CohortHashes hash_cohort(const Cohort& cohort);

/// 16 hexadecimal digits over what the source says of who trains and who is tested (parts, folds, persons), which is no
/// part of the shards but of every trial; empty where it says nothing that the split goes by.
std::string split_digest(const Cohort& cohort);

/// Said after each subject: how many are done, of how many, and its name. Comes from any thread, one call at a time.
using PrepareProgress = std::function<void(int done, int total, const std::string& subject)>;

/// Makes the shards SUBJECT.h5 in `directory` that are missing, or were made from something else (made_from.hpp), up to
/// `threads` at a time (0: one a core), each with some 30 bytes of memory a voxel of its image, and for synthetic ones
/// 500 MB and 2 * size^3 bytes a scan. Where `named_by_hash`, the
/// folder's name ends in "-" and the cohort's hash, and the shards that are there are taken for what it says.
/// Idempotent. Call it from one process only. What a subject looks like depends on its name and the spec, not on other
/// subjects (but for what the grid derives from them) or `threads`. Returns what is to be said of the cohort, of the
/// subjects that were made, and of shards that are no longer of the cohort (they stay, and prepared_subjects() leaves
/// them out). Throws std::runtime_error naming the offending file.
std::vector<Remark> prepare_cohort(const Cohort& cohort, const CohortHashes& hashes,
                                   const std::filesystem::path& directory, int threads, const PrepareProgress& progress,
                                   bool named_by_hash = false);

/// One line on the classes that no subject has a voxel of, in either kind of labels.
std::vector<Remark> remarks_on_absent(const std::vector<Shard>& shards);

/// The shards of `subjects` in `directory`, opened, checked to be siblings, in the order given.
std::vector<Shard> open_shards(const std::filesystem::path& directory, const std::vector<std::string>& subjects);

}  // namespace crossfade::data
