// prepare_cohort: from anatomies to shards.
#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <stdexcept>
#include <thread>

#include "data/cohort.hpp"
#include "data/conform.hpp"
#include "data/hash.hpp"
#include "data/label_table.hpp"
#include "data/nifti.hpp"
#include "data/resample.hpp"

namespace crossfade::data {
namespace {

using IdCounts = std::map<std::int32_t, std::uint64_t>;

/// Where a subject's anatomy comes from, for messages: the label map's file, or the phantom's name.
std::string origin(const CohortSpec& spec, const std::string& subject) {
  return spec.source == "labels" ? label_map_file(spec, subject).string() : subject;
}

Volume<std::int32_t> read_anatomy(const CohortSpec& spec, const std::string& subject) {
  if (spec.source == "labels") return read_label_map(label_map_file(spec, subject));
  return phantom_head(spec.seed, subject_key(subject));
}

/// "3 ids, the commonest 502 (1234 voxels), 506 (99 voxels)", commonest first, at most five.
std::string list_of(const IdCounts& counts) {
  std::vector<std::pair<std::int32_t, std::uint64_t>> sorted(counts.begin(), counts.end());
  std::stable_sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
  std::string text = std::to_string(sorted.size()) + (sorted.size() == 1 ? " id: " : " ids: ");
  constexpr std::size_t kShown = 5;
  for (std::size_t i = 0; i < std::min(sorted.size(), kShown); ++i)
    text +=
        (i > 0 ? ", " : "") + std::to_string(sorted[i].first) + " (" + std::to_string(sorted[i].second) + " voxels)";
  return sorted.size() > kShown ? text + ", ..." : text;
}

/// Whether `id` becomes one of the 27 structures.
bool is_named(const LabelTable& table, std::int32_t id) {
  if (const auto found = table.class_of.find(id); found != table.class_of.end()) return found->second > 0;
  return std::any_of(table.to_nearest.begin(), table.to_nearest.end(), [&](const auto& line) { return line.id == id; });
}

/// The line about a subject: what its label table turned into class 0, and what the field of view cut off.
std::string message(const std::string& subject, const LabelTable& table, const IdCounts& unnamed, const IdCounts& cut) {
  std::string text = subject;
  if (!unnamed.empty()) text += "; not named by label table " + table.name + ", so class 0: " + list_of(unnamed);
  IdCounts lost;
  for (const auto& [id, count] : cut)
    if (is_named(table, id)) lost[id] = count;
  if (!lost.empty()) text += "; outside the field of view of 256 mm: " + list_of(lost);
  return text;
}

std::string bias_text(const LabelBiasOptions& bias) {
  if (bias == LabelBiasOptions{}) return "";
  return "; automatic labels: pallidum " + std::to_string(bias.pallidum_mm) + ", amygdala " +
         std::to_string(bias.amygdala_mm) + ", ventricles " + std::to_string(bias.ventricles_mm) + ", noise " +
         std::to_string(bias.noise_mm) + " mm";
}

std::string source_text(const CohortSpec& spec, const std::string& subject) {
  const SynthesisOptions& o = spec.synthesis;
  return (spec.source == "labels" ? label_map_file(spec, subject).filename().string() : spec.source) +
         ", T1 synthesised by generator " + std::to_string(kGeneratorVersion) + ": seed " + std::to_string(spec.seed) +
         ", contrast " + std::to_string(o.contrast) + ", bias " + std::to_string(o.bias) + ", blur " +
         std::to_string(o.blur_mm) + " mm, noise " + std::to_string(o.noise) + ", deformation " +
         std::to_string(o.deformation_mm) + " mm" + bias_text(spec.label_bias);
}

/// Ids of a phantom that no line of the table names say nothing that a score could use; zeros compress to nothing.
void keep_named(Volume<std::int32_t>& ids, const LabelTable& table) {
  std::int32_t last = 0;  // neighbours mostly have the same id: most voxels need no look-up
  bool named = true;
  for (std::int32_t& id : ids.voxels) {
    if (id != last) {
      last = id;
      named = id == 0 || is_named(table, id);
    }
    if (!named) id = 0;
  }
}

/// Makes all scans of a subject. Returns the line about it.
std::string make_shard(const CohortSpec& spec, const std::string& subject, const std::filesystem::path& file) {
  const LabelTable& table = label_table(spec.label_table);
  const std::uint32_t key = subject_key(subject);
  ShardContents shard;
  shard.original_labels = read_anatomy(spec, subject);
  const Conformed anatomy = conform(shard.original_labels, conformed_grid(shard.original_labels.geometry));
  if (spec.source == "phantom") keep_named(shard.original_labels, table);

  shard.info.subject = subject;
  shard.info.source = source_text(spec, subject);
  shard.info.label_table = table.name;
  shard.info.label_table_hash = table.hash();
  shard.info.has_automatic = has_automatic_labels(spec);
  const bool full_size = spec.size == anatomy.ids.geometry.size[0];
  shard.info.grid = full_size ? anatomy.ids.geometry : cube_around(anatomy.ids.geometry, spec.size, 256.0);

  IdCounts unnamed;
  for (std::uint32_t scan = 0; scan < static_cast<std::uint32_t>(spec.scans_per_subject); ++scan) {
    Volume<std::int32_t> moved;
    if (scan > 0)
      moved = deform(anatomy.ids, spec.synthesis.deformation_mm, Random(spec.seed, Purpose::kDeformation, key, scan));
    const Volume<std::int32_t>& ids = scan > 0 ? moved : anatomy.ids;
    MappedLabels mapped = map_labels(ids, table);
    if (scan == 0) unnamed = mapped.unnamed;
    Volume<std::uint8_t> image = synthesise_t1(ids, spec.synthesis, Random(spec.seed, Purpose::kSynthesis, key, scan));
    if (!full_size) image = resample_image(image, shard.info.grid);
    const auto append = [&](std::vector<std::uint8_t>& to, const Volume<std::uint8_t>& classes) {
      const Volume<std::uint8_t> on_grid = full_size ? classes : resample_labels(classes, shard.info.grid);
      to.insert(to.end(), on_grid.voxels.begin(), on_grid.voxels.end());
    };
    shard.info.scans.emplace_back();
    shard.images.insert(shard.images.end(), image.voxels.begin(), image.voxels.end());
    append(shard.labels, mapped.classes);
    if (shard.info.has_automatic) {
      const Random random(spec.seed, Purpose::kLabelBias, key, scan);
      append(shard.automatic, bias_labels(mapped.classes, spec.label_bias, random));  // at 1 mm, before resampling
    }
  }
  write_shard(file, std::move(shard));
  return message(subject, table, unnamed, anatomy.cut);
}

/// Adds the file to what does not know of it.
std::string make_named_shard(const CohortSpec& spec, const std::string& subject, const std::filesystem::path& file) {
  try {
    return make_shard(spec, subject, file);
  } catch (const std::exception& error) {
    const std::string what = error.what(), from = origin(spec, subject);
    if (what.find(from) != std::string::npos || what.find(file.string()) != std::string::npos) throw;
    throw std::runtime_error(from + ": " + what);
  }
}

}  // namespace

void prepare_cohort(const CohortSpec& spec, const std::filesystem::path& directory, int threads,
                    const PrepareProgress& progress) {
  const auto file_of = [&](const std::string& subject) { return directory / (subject + ".h5"); };
  std::vector<std::string> missing = subject_names(spec);
  const int total = static_cast<int>(missing.size());
  std::erase_if(missing, [&](const std::string& subject) { return std::filesystem::exists(file_of(subject)); });
  if (missing.empty()) return;
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) throw std::runtime_error(directory.string() + ": cannot be made: " + error.message());

  std::atomic<std::size_t> next = 0;
  std::mutex mutex;  // guards what follows, and the calls of progress
  int done = total - static_cast<int>(missing.size());
  std::exception_ptr failure;
  const auto work = [&] {
    for (std::size_t i = next++; i < missing.size(); i = next++) {
      try {
        const std::string line = make_named_shard(spec, missing[i], file_of(missing[i]));
        const std::lock_guard lock(mutex);
        ++done;
        if (progress) progress(done, total, line);
      } catch (...) {
        next = missing.size();  // the others finish the subject they are at
        const std::lock_guard lock(mutex);
        if (!failure) failure = std::current_exception();
      }
    }
  };
  {
    std::vector<std::jthread> workers;
    const std::size_t count = std::min(static_cast<std::size_t>(std::max(threads, 1)), missing.size());
    for (std::size_t t = 1; t < count; ++t) workers.emplace_back(work);
    work();
  }
  if (failure) std::rethrow_exception(failure);
}

}  // namespace crossfade::data
