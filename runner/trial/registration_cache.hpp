// Registered atlases on disk, each made once and shared by all fusions, trials and studies.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "data/shards/shard.hpp"
#include "model/atlas/fusion.hpp"
#include "model/atlas/registration.hpp"

namespace crossfade::runner {

/// An atlas (scan `scan` of its shard) and the target (scan 0 of its shard) that it is to be registered to.
struct AtlasPair {
  const data::Shard* target = nullptr;
  const data::Shard* atlas = nullptr;
  int scan = 0;
};

/// A registered atlas, and the seconds that its registration took when it was made.
struct RegisteredAtlas {
  model::WarpedAtlas volumes;
  double seconds = 0;
};

/// A folder for each registration in `folder`, by the hash of all that it depends on: image.nii.gz, manual.nii.gz and
/// automatic.nii.gz (class ids, where the atlas has such labels) on the target's grid, and registration.json.
class RegistrationCache {
 public:
  /// Throws std::runtime_error where elastix, whose version is part of the hashes, is missing.
  RegistrationCache(std::filesystem::path folder, model::RegistrationOptions options, std::uint64_t seed);

  /// Makes what is missing, `threads` at a time, beginning with pair `first`, and waits for what other processes are
  /// making: any number may work on the same pairs at a time, and share them out, if flock() works where the folder is.
  /// `on_done` is told, by the calling thread, how many of the pairs are there whenever they have become more. False
  /// where `stop_requested`, which any thread asks, said so. Throws std::runtime_error that names both subjects.
  bool fill(const std::vector<AtlasPair>& pairs, std::size_t first, int threads,
            const std::function<void(std::size_t)>& on_done, const std::function<bool()>& stop_requested) const;

  /// Throws std::runtime_error naming the file where it is damaged or not there.
  RegisteredAtlas read(const AtlasPair& pair, data::LabelKind labels) const;

 private:
  struct Missing {
    const AtlasPair* pair;
    std::filesystem::path folder;
  };
  std::filesystem::path folder_of(const AtlasPair& pair) const;
  void make_missing(std::vector<Missing> missing, const std::function<bool()>& stop_requested) const;
  bool make(const AtlasPair& pair, const std::filesystem::path& target,
            const std::function<bool()>& stop_requested) const;

  std::filesystem::path folder_;
  model::RegistrationOptions options_;
  std::uint64_t seed_;
  std::string elastix_;
};

}  // namespace crossfade::runner
