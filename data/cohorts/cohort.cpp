#include "data/cohorts/cohort.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "data/sources/nnunet.hpp"
#include "data/sources/subject_patterns.hpp"
#include "data/sources/subject_table.hpp"
#include "data/structured.hpp"
#include "data/volumes/file_geometry.hpp"
#include "data/volumes/image.hpp"
#include "data/volumes/picture.hpp"
#include "data/words.hpp"

namespace crossfade::data {
namespace {

namespace fs = std::filesystem;

SubjectList phantoms(const CohortSpec& spec) {
  SubjectList list;
  for (int s = 1; s <= spec.subjects; ++s) {
    const std::string number = std::to_string(s);
    list.subjects.push_back(
        {.name = "phantom-" + std::string(3 - std::min<std::size_t>(number.size(), 3), '0') + number});
  }
  std::ranges::sort(list.subjects, {}, &ListedSubject::name);
  return list;
}

/// A path of the spec.
fs::path below_root(const CohortSpec& spec, const std::string& path) {
  return fs::path(spec.root) / path;
}

/// Leaves out those whom the spec excludes, and takes the first so many of the rest, which must be complete where the
/// spec is strict. `where` and `what` are for the message.
void choose(const CohortSpec& spec, const fs::path& where, const std::string& what, SubjectList& list) {
  exclude(list, words_of(spec.exclude));
  if (list.subjects.empty())
    throw std::runtime_error(where.string() + ": no " + what +
                             (spec.exclude.empty() ? " (.nii.gz, .nii, .mgz, .mgh, .png or .tif) in this folder"
                                                   : " is left in this folder, which exclude leaves out"));
  if (spec.strict) require_complete(list, where);
  if (spec.subjects == 0) return;
  if (static_cast<std::size_t>(spec.subjects) > list.subjects.size())
    throw std::runtime_error(where.string() + ": " + std::to_string(list.subjects.size()) + " " + what +
                             "s, but subjects is " + std::to_string(spec.subjects));
  list.subjects.resize(static_cast<std::size_t>(spec.subjects));
}

using Volumes = std::map<std::string, fs::path>;

SubjectList label_maps(const CohortSpec& spec) {
  const fs::path folder = below_root(spec, spec.labels);
  SubjectList list;
  for (const auto& [name, file] : volumes_in(folder, "label maps"))
    list.subjects.push_back({.name = name, .images = {}, .labels = file});
  choose(spec, folder, "label map", list);
  return list;
}

/// A folder of one kind of labels.
struct LabelFolder {
  fs::path folder;
  std::string suffix, what;
  Volumes volumes;
};

LabelFolder label_folder(const CohortSpec& spec, const std::string& path, const std::string& suffix,
                         const std::string& what) {
  const fs::path folder = below_root(spec, path);
  return {folder, suffix, what, volumes_in(folder, what)};
}

/// Throws std::runtime_error naming the image where it has no labels.
fs::path labels_for(const ListedSubject& subject, const LabelFolder& labels) {
  const std::string name = subject.name + labels.suffix;
  if (const auto found = labels.volumes.find(name); found != labels.volumes.end()) return found->second;
  throw std::runtime_error(subject.images.front().string() + " has no " + labels.what + " in " +
                           labels.folder.string() + ": expected " + name +
                           (is_picture(subject.images.front()) ? ".png or .tif" : ".nii.gz, .nii, .mgz or .mgh"));
}

/// A file each in folders: the name is the subject's.
SubjectList scans_in_folders(const CohortSpec& spec, std::vector<Remark>& remarks) {
  const fs::path folder = below_root(spec, spec.images);
  const Volumes scans = volumes_in(folder, "scans");
  SubjectList list;
  for (const auto& [name, file] : scans) list.subjects.push_back({.name = name, .images = {file}});
  choose(spec, folder, "scan", list);
  std::vector<std::string> strangers;
  const auto add = [&](const std::string& path, const std::string& suffix, const std::string& what,
                       fs::path ListedSubject::*file) {
    if (path.empty()) return;
    const LabelFolder labels = label_folder(spec, path, suffix, what);
    for (ListedSubject& subject : list.subjects) subject.*file = labels_for(subject, labels);
    // Without a suffix of their own, labels beside the scans can't be told from them.
    if (suffix.empty() && path == spec.images) return;
    for (const auto& [name, stranger] : labels.volumes)
      if (name.ends_with(suffix) && !scans.contains(name.substr(0, name.size() - suffix.size())))
        strangers.push_back(stranger.filename().string());
  };
  add(spec.labels, spec.label_suffix, "labels", &ListedSubject::labels);
  add(spec.automatic_labels, spec.automatic_label_suffix, "automatic labels", &ListedSubject::automatic_labels);
  std::ranges::sort(strangers);
  remark_on_names(remarks, "not used, as there is no scan of that name: labels", strangers, "file");
  return list;
}

SubjectList scans(const CohortSpec& spec, std::vector<Remark>& remarks) {
  if (spec.table.empty() && !has_patterns(spec)) return scans_in_folders(spec, remarks);
  SubjectList list = spec.table.empty() ? subjects_by_pattern(spec.root, {.images = listed_texts(spec.images),
                                                                          .labels = spec.labels,
                                                                          .automatic_labels = spec.automatic_labels})
                                        : read_subject_table(below_root(spec, spec.table));
  const fs::path where = spec.table.empty() ? fs::path(spec.root) : below_root(spec, spec.table);
  choose(spec, where, "subject", list);
  remark_on_names(remarks, "columns of " + where.string() + " that are not used", list.unused, "column");
  const ListedSubject& first = list.subjects.front();
  const auto lacks = [&](const std::string& what) {
    std::string others;
    for (const std::string& column : list.unused) others += (others.empty() ? "; not used: " : ", ") + column;
    throw std::runtime_error(where.string() + ": has no column " + what + others);
  };
  if (first.images.empty()) lacks("image");
  if (first.labels.empty() && first.automatic_labels.empty()) lacks("labels or automatic_labels");
  return list;
}

/// Lists the subjects, and fills in the classes that a data set states.
SubjectList list_subjects(CohortSpec& spec, Cohort& cohort) {
  if (spec.source == "phantom") return phantoms(spec);
  if (spec.source == "labels") return label_maps(spec);
  if (spec.source == "scans") return scans(spec, cohort.remarks);
  NnunetDataset dataset = read_nnunet(spec.root, spec.split.from == "folds");
  cohort.channels = dataset.channels;
  cohort.folds = std::move(dataset.folds);
  if (spec.classes.empty() && spec.label_table == CohortSpec{}.label_table) {
    spec.classes = dataset.classes.classes;
    if (spec.ignore.empty()) spec.ignore = dataset.classes.ignore;
  }
  choose(spec, spec.root, "case", dataset.list);
  return std::move(dataset.list);
}

void set_tables(Cohort& cohort) {
  const CohortSpec& spec = cohort.spec;
  if (spec.classes.empty()) {
    cohort.table = label_table(spec.label_table);
    cohort.automatic_table = label_table(spec.automatic_label_table);
    return;
  }
  OwnClasses own{spec.classes, spec.pairs, spec.ignore};
  cohort.table = cohort.automatic_table = own_label_table(own);
  if (spec.automatic_classes.empty()) return;
  own.classes = spec.automatic_classes;
  cohort.automatic_table = own_label_table(own);
}

/// All subjects must have the same kinds of labels: shards of one cohort are alike.
void set_kinds(Cohort& cohort, const fs::path& where) {
  if (cohort.spec.source == "phantom" || cohort.spec.source == "labels") {
    cohort.has_automatic = has_automatic_labels(cohort.spec);
    return;
  }
  const ListedSubject& first = cohort.subjects.front();
  cohort.has_manual = !first.labels.empty();
  cohort.has_automatic = !first.automatic_labels.empty();
  for (const ListedSubject& subject : cohort.subjects)
    if (subject.labels.empty() == cohort.has_manual || subject.automatic_labels.empty() == cohort.has_automatic)
      throw std::runtime_error(where.string() + ": subject '" + subject.name + "' has other kinds of labels than '" +
                               first.name + "', expected the same of all");
}

void set_channels(Cohort& cohort) {
  if (!cohort.channels.empty()) return;
  std::size_t count = 1;
  if (const auto& subjects = cohort.subjects; !subjects.front().images.empty()) {
    count = subjects.front().images.size();
    // A file may have several channels; that of a T1 scan on its cube has one, or is refused where it is read.
    if (count == 1 && !(cohort.grid.cube > 0 && cohort.spec.intensity == "t1"))
      count = read_channels(subjects.front().images.front()).size();
  }
  for (std::size_t c = 1; c <= count; ++c)
    cohort.channels.push_back(count == 1 ? "image" : "image-" + std::to_string(c));
}

void set_grid(Cohort& cohort) {
  std::vector<Geometry> images;
  std::vector<std::string> names;
  if (!cube_size(cohort.spec)) {
    for (const ListedSubject& subject : cohort.subjects) {
      if (subject.images.empty()) continue;  // synthetic: the cube of 256 mm that images are drawn on
      const Geometry grid = read_geometry(subject.images.front());
      images.push_back(reorient(grid, to_canonical(grid)));
      names.push_back(subject.name);
    }
    if (images.empty()) images.push_back({{256, 256, 256}, {{{1, 0, 0, 0}, {0, 1, 0, 0}, {0, 0, 1, 0}}}});
  }
  cohort.grid = slice_grid(cohort.spec, images);
  cohort.spec = stated(cohort.spec, cohort.grid);
  for (Remark& remark : remarks_on_spacing(cohort.grid, images, names)) cohort.remarks.push_back(std::move(remark));
}

}  // namespace

Cohort open_cohort(const CohortSpec& asked) {
  if (const auto fault = fault_of(asked)) throw std::runtime_error(fault->what);
  Cohort cohort;
  cohort.spec = asked;
  SubjectList list = list_subjects(cohort.spec, cohort);
  if (const auto fault = fault_of(cohort.spec)) throw std::runtime_error(fault->what);  // with the data set's classes
  cohort.subjects = std::move(list.subjects);
  remark_on_names(cohort.remarks, "left out", list.left_out, "subject");
  remark_on_names(cohort.remarks, "exclude leaves out nobody", list.strangers, "name");
  set_tables(cohort);
  set_kinds(cohort, asked.table.empty() ? fs::path(asked.root) : below_root(asked, asked.table));
  set_grid(cohort);
  set_channels(cohort);
  return cohort;
}

std::vector<std::string> subject_names(const Cohort& cohort) {
  std::vector<std::string> names;
  for (const ListedSubject& subject : cohort.subjects) names.push_back(subject.name);
  return names;
}

std::map<std::string, std::string> persons_of(const Cohort& cohort) {
  std::map<std::string, std::string> persons;
  if (std::ranges::all_of(cohort.subjects, [](const ListedSubject& s) { return person_of(s) == s.name; }))
    return persons;
  for (const ListedSubject& subject : cohort.subjects) persons[subject.name] = person_of(subject);
  return persons;
}

const ListedSubject& subject_of(const Cohort& cohort, const std::string& name) {
  const auto found = std::ranges::lower_bound(cohort.subjects, name, {}, &ListedSubject::name);
  if (found == cohort.subjects.end() || found->name != name)
    throw std::invalid_argument("'" + name + "' is no subject of the cohort");
  return *found;
}

std::optional<double> voxel_mm(const Cohort& cohort) {
  const SliceGrid& grid = cohort.grid;
  if (grid.cube > 0) return 256.0 / grid.cube;
  const double mm = grid.spacing[0];
  return mm > 0 && grid.spacing[1] == mm && grid.spacing[2] == mm ? std::optional(mm) : std::nullopt;
}

Split split_of(const Cohort& cohort, int fold) {
  return split_of_source(cohort.subjects, cohort.folds, cohort.spec.split, cohort.spec.seed, fold);
}

std::vector<Remark> remarks_on_absent(const std::vector<Shard>& shards) {
  std::vector<Remark> remarks;
  std::vector<std::string> absent;
  const std::vector<std::string>& names = shards.front().info().classes.names;
  for (std::size_t c = 1; c < names.size(); ++c) {
    const bool there = std::ranges::any_of(shards, [c](const Shard& shard) {
      const ScanInfo& scan = shard.info().scans.front();
      return (shard.info().has_manual && scan.manual.pixels[c] > 0) ||
             (shard.info().has_automatic && scan.automatic.pixels[c] > 0);
    });
    if (!there) absent.push_back(names[c]);
  }
  remark_on_names(remarks, "no subject has a voxel of", absent, "class");
  return remarks;
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
