#include "runner/trial/registration_cache.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <fstream>
#include <future>
#include <nlohmann/json.hpp>
#include <span>
#include <stdexcept>
#include <thread>

#include "data/hash.hpp"
#include "data/labels/classes.hpp"
#include "data/publish.hpp"
#include "data/volumes/nifti.hpp"
#include "runner/evaluation/scan.hpp"
#include "runner/process/lock_file.hpp"

namespace crossfade::runner {
namespace {

namespace fs = std::filesystem;

constexpr auto kPause = std::chrono::milliseconds(200);

struct KindOfLabels {
  data::LabelKind kind;
  const char* file;
};
constexpr std::array kKinds = {KindOfLabels{data::LabelKind::kManual, "manual.nii.gz"},
                               KindOfLabels{data::LabelKind::kAutomatic, "automatic.nii.gz"}};

std::string file_of(data::LabelKind kind) {
  return std::ranges::find(kKinds, kind, &KindOfLabels::kind)->file;
}

data::Volume<std::int32_t> volume(const data::Shard& shard, const std::vector<std::uint8_t>& voxels) {
  return {shard.info().grid, {voxels.begin(), voxels.end()}};
}

model::Atlas atlas_of(const AtlasPair& pair) {
  model::Atlas atlas{volume(*pair.atlas, read_image(*pair.atlas, pair.scan)), {}};
  for (const KindOfLabels& kind : kKinds)
    if (pair.atlas->info().has(kind.kind))
      atlas.labels.push_back(volume(*pair.atlas, read_labels(*pair.atlas, pair.scan, kind.kind)));
  return atlas;
}

std::string names(const AtlasPair& pair) {
  return "registration of atlas " + pair.atlas->info().subject + " to " + pair.target->info().subject;
}

/// As class ids, or intensities.
std::vector<std::uint8_t> read_bytes(const fs::path& file, const data::Geometry& grid) {
  const data::Volume<std::int32_t> volume = data::read_label_map(file);
  if (volume.geometry.size != grid.size) throw std::runtime_error(file.string() + " is not on the grid of its target");
  std::vector<std::uint8_t> bytes;
  bytes.reserve(volume.voxels.size());
  for (const std::int32_t value : volume.voxels) {
    if (value < 0 || value > 255) throw std::runtime_error(file.string() + " has a value that is no byte");
    bytes.push_back(static_cast<std::uint8_t>(value));
  }
  return bytes;
}

/// Left by processes that were killed: this one holds the lock of `target`, so no other is at it.
void remove_partial(const fs::path& target) {
  for (const auto& entry : fs::directory_iterator(target.parent_path())) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with(target.filename().string() + ".") && name.ends_with(".partial")) fs::remove_all(entry.path());
  }
}

}  // namespace

RegistrationCache::RegistrationCache(fs::path folder, model::RegistrationOptions options, std::uint64_t seed)
    : folder_(std::move(folder)), options_(options), seed_(seed), elastix_(model::elastix_version()) {}

fs::path RegistrationCache::folder_of(const AtlasPair& pair) const {
  data::Sha256 hash;
  const auto add = [&](const std::vector<std::uint8_t>& voxels) { hash.update(std::as_bytes(std::span(voxels))); };
  hash.update(std::to_string(model::kRegistrationFormat) + "\n" + elastix_ + "\n");
  for (const std::string& text : model::parameter_files(options_, seed_)) hash.update(text + "\n");
  for (const data::Shard* shard : {pair.target, pair.atlas}) {
    const data::Geometry& grid = shard->info().grid;
    hash.update(nlohmann::json{grid.size, grid.affine}.dump() + "\n");
  }
  add(read_image(*pair.target, 0));
  add(read_image(*pair.atlas, pair.scan));
  for (const KindOfLabels& kind : kKinds) {
    const bool has = pair.atlas->info().has(kind.kind);
    hash.update(has ? "labels\n" : "none\n");
    if (!has) continue;
    const std::vector<std::uint8_t> labels = read_labels(*pair.atlas, pair.scan, kind.kind);
    add(labels);
    if (std::ranges::find(labels, data::kIgnored) != labels.end()) hash.update("ignored are no labels\n");
  }
  return folder_ / hash.hex().substr(0, 16);
}

bool RegistrationCache::fill(const std::vector<AtlasPair>& pairs, std::size_t first, int threads,
                             const std::function<void(std::size_t)>& on_done,
                             const std::function<bool()>& stop_requested) const {
  data::make_folders(folder_);
  std::vector<Missing> missing;
  for (std::size_t p = 0; p < pairs.size(); ++p) {
    const AtlasPair& pair = pairs[(first + p) % pairs.size()];
    missing.push_back({&pair, folder_of(pair)});
  }
  const auto count = [&] {
    return static_cast<std::size_t>(
        std::ranges::count_if(missing, [](const Missing& m) { return fs::exists(m.folder); }));
  };
  std::size_t there = count();
  std::atomic<bool> failed = false;
  const auto stops = [&] { return failed || stop_requested(); };
  std::vector<std::future<void>> workers;
  for (int t = 0; t < threads && there < missing.size(); ++t) {
    std::vector<Missing> order = missing;  // threads begin far from one another, so that they seldom meet
    std::ranges::rotate(order, order.begin() + static_cast<std::ptrdiff_t>(order.size()) * t / threads);
    workers.push_back(std::async(std::launch::async, [this, order, &stops, &failed] {
      try {
        make_missing(order, stops);
      } catch (...) {
        failed = true;
        throw;
      }
    }));
  }
  for (std::future<void>& worker : workers) {
    while (worker.wait_for(kPause) != std::future_status::ready)
      if (const std::size_t now = count(); now > there) on_done(there = now);
  }
  for (std::future<void>& worker : workers) worker.get();
  if (const std::size_t now = count(); now > there) on_done(now);
  return count() == missing.size();
}

void RegistrationCache::make_missing(std::vector<Missing> missing, const std::function<bool()>& stop_requested) const {
  const auto drop_made = [&] { std::erase_if(missing, [](const Missing& m) { return fs::exists(m.folder); }); };
  for (drop_made(); !missing.empty(); drop_made()) {
    bool made = false;
    for (const Missing& next : missing) {
      if (stop_requested()) return;
      const auto lock = LockFile::if_free(fs::path(next.folder).concat(".lock"));
      if (!lock || fs::exists(next.folder)) continue;
      if (!make(*next.pair, next.folder, stop_requested)) return;
      made = true;
    }
    if (!made) std::this_thread::sleep_for(kPause);
  }
}

bool RegistrationCache::make(const AtlasPair& pair, const fs::path& target,
                             const std::function<bool()>& stop_requested) const {
  try {
    data::Partial partial(target);
    const fs::path work = partial.path() / "work";
    remove_partial(target);
    data::make_folders(work);
    const auto begin = std::chrono::steady_clock::now();
    const auto warped = model::register_atlas(volume(*pair.target, read_image(*pair.target, 0)), atlas_of(pair),
                                              options_, seed_, work, stop_requested);
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    if (!warped) return false;
    data::write_label_map(partial.path() / "image.nii.gz", warped->image);
    auto labels = warped->labels.begin();
    for (const KindOfLabels& kind : kKinds)
      if (pair.atlas->info().has(kind.kind)) data::write_label_map(partial.path() / kind.file, *labels++);
    const nlohmann::json record = {{"target", pair.target->info().subject},
                                   {"atlas", pair.atlas->info().subject},
                                   {"scan", pair.scan},
                                   {"made by", elastix_},
                                   {"seconds", seconds}};
    data::write_whole(partial.path() / "registration.json",
                      record.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + '\n');
    fs::remove_all(work);
    partial.publish();
    return true;
  } catch (const std::exception& error) {
    if (fs::exists(target)) return true;  // made by another machine meanwhile, as flock() doesn't reach there
    throw std::runtime_error(names(pair) + ": " + error.what());
  }
}

RegisteredAtlas RegistrationCache::read(const AtlasPair& pair, data::LabelKind labels) const {
  const fs::path folder = folder_of(pair);
  const data::Geometry& grid = pair.target->info().grid;
  std::ifstream in(folder / "registration.json");
  const nlohmann::json record = nlohmann::json::parse(in, nullptr, false);
  if (record.is_discarded() || !record.contains("seconds"))
    throw std::runtime_error((folder / "registration.json").string() + " is damaged; remove " + folder.string());
  return {{read_bytes(folder / "image.nii.gz", grid), read_bytes(folder / file_of(labels), grid)},
          record.at("seconds").get<double>()};
}

}  // namespace crossfade::runner
