// Shards: one HDF5 file per subject with the slices of all its scans. docs/shards.md has the format.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "data/labels/structures.hpp"
#include "data/volumes/volume.hpp"

namespace crossfade::data {

/// Of the format. A reader refuses every other one.
inline constexpr int kShardVersion = 2;

/// Pixels of each class, and the number of slices where it occurs: what median-frequency weights need.
struct ClassCounts {
  std::array<std::uint64_t, kClasses> pixels{};
  std::array<std::uint64_t, kClasses> slices{};
};

/// Who drew the labels of a scan: a person (they count as the truth), or a program, with its systematic errors.
enum class LabelKind { kManual, kAutomatic };

/// Scans [first, first + count) of a subject; all from `first` on where count is 0.
struct ScanRange {
  int first = 0, count = 0;
  bool contains(int scan) const { return scan >= first && (count == 0 || scan < first + count); }
};

/// One scan of the subject. Scan 0 is the fixed, undeformed one, on which validation and test look; the others are
/// further draws of the same anatomy, for training.
struct ScanInfo {
  double mean = 0;  // of the voxels above 0, intensity units
  double sd = 1;
  ClassCounts manual, automatic;  // zeros where the shard has no such labels
  const ClassCounts& counts(LabelKind kind) const { return kind == LabelKind::kManual ? manual : automatic; }
};

/// What stands in a shard besides pixels.
struct ShardInfo {
  std::string subject;
  std::string plane = "axial";
  std::string source;       // "phantom" or the files that it came from, and how the images were made
  std::string label_table;  // of the manual labels; of the automatic ones where there are no manual ones
  std::string label_table_hash;
  Geometry grid;           // of the slices: canonical, size {W, H, slices per scan}
  bool has_manual = true;  // one of the two kinds at least
  bool has_automatic = false;
  std::vector<ScanInfo> scans;

  bool has(LabelKind kind) const { return kind == LabelKind::kManual ? has_manual : has_automatic; }
  int width() const { return grid.size[0]; }
  int height() const { return grid.size[1]; }
  int slices_per_scan() const { return grid.size[2]; }
  int slices() const { return slices_per_scan() * static_cast<int>(scans.size()); }
};

/// A shard in memory. Slice n belongs to scan n / slices_per_scan and lies at height n % slices_per_scan.
struct ShardContents {
  ShardInfo info;                        // mean, sd and counts are computed by write_shard
  std::vector<std::uint8_t> images;      // [N, H, W]
  std::vector<std::uint8_t> labels;      // [N, H, W], class ids, manual; empty unless info.has_manual
  std::vector<std::uint8_t> automatic;   // [N, H, W], class ids; empty unless info.has_automatic
  Volume<std::int32_t> original_labels;  // manual, as the subject came: own grid, own ids; empty where there are none
};

/// Writes beside `file`, syncs, renames: a shard exists whole or not at all. Equal contents make equal files. Throws
/// std::runtime_error naming the file, also where the contents do not fit together.
void write_shard(const std::filesystem::path& file, ShardContents contents);

/// An open shard. Any number of threads may read from any number of shards (calls into HDF5 are serialised).
class Shard {
 public:
  /// Throws std::runtime_error that names file and dataset where something is missing, truncated, of a wrong shape, of
  /// another format version or another class list.
  explicit Shard(const std::filesystem::path& file);
  Shard(Shard&&) noexcept;
  Shard& operator=(Shard&&) noexcept;
  ~Shard();

  const ShardInfo& info() const { return info_; }
  const std::filesystem::path& file() const { return file_; }

  /// Reads slices [first, first + count) into buffers of count * H * W bytes; either may be empty (not read). Throws
  /// std::runtime_error naming file and dataset, also for a failed checksum, for labels that are no class, and for
  /// a kind of labels that the shard lacks.
  void read(int first, int count, std::span<std::uint8_t> images, std::span<std::uint8_t> labels,
            LabelKind kind = LabelKind::kManual) const;

  /// Per slice of scan `scan`, whether any pixel has a class above 0. From the stored index, without reading pixels.
  std::vector<bool> labelled_slices(int scan, LabelKind kind = LabelKind::kManual) const;

  /// The manual labels on their own grid. Throws std::runtime_error naming the file where there are none.
  Volume<std::int32_t> original_labels() const;

 private:
  struct Handle;
  std::filesystem::path file_;
  ShardInfo info_;
  std::unique_ptr<Handle> handle_;
};

/// Throws std::runtime_error that names both files unless plane, slice size, spacing and label table agree.
void require_siblings(const Shard& a, const Shard& b);

}  // namespace crossfade::data
