// Shards: one HDF5 file per subject with the slices of all its scans. docs/shards.md has the format.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "data/labels/label_table.hpp"
#include "data/shards/channel_intensities.hpp"
#include "data/volumes/volume.hpp"

namespace crossfade::data {

/// Of the format: the newer one is written only for what the older can't say (see shard_version()).
inline constexpr int kShardVersion = 2, kShardVersionOfOwnData = 3;

/// By class: its pixels, the slices where it occurs, and the judged pixels (all but kIgnored) of these slices: what
/// median-frequency weights need.
struct ClassCounts {
  std::vector<std::uint64_t> pixels, slices, slice_pixels;
  explicit ClassCounts(int classes = 0)
      : pixels(static_cast<std::size_t>(classes)), slices(pixels), slice_pixels(pixels) {}
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
  std::vector<ChannelIntensities> channels = std::vector<ChannelIntensities>(1);
  ClassCounts manual, automatic;  // empty where the shard has no such labels
  const ClassCounts& counts(LabelKind kind) const { return kind == LabelKind::kManual ? manual : automatic; }
};

/// What stands in a shard besides pixels.
struct ShardInfo {
  std::string subject;
  std::string plane = "axial";
  std::string source;       // "phantom" or the files that it came from, and how the images were made
  std::string label_table;  // of the manual labels; of the automatic ones where there are no manual ones
  std::string label_table_hash;
  OwnClasses own_classes{};  // that table, where it is the cohort's own; empty: label_table names a built-in one
  Classes classes = brain_classes();
  std::string intensity = "t1";  // rule of intensity.hpp
  std::vector<std::string> channels = {"image"};
  bool sides_merged = false;  // whether right classes have become their left twins, as in slices turned to be sagittal
  bool own_grid = false;      // whether slices follow a grid of the cohort's, in place of the cube of 256 mm
  bool own_spacing = false;   // whether spacings differ between the subjects of the cohort
  int cube = 0;               // pixels along each side of the cube of 256 mm that these slices fill; 0: none
  std::array<double, 3> grid_mm{};  // along W, H and between slices, as the cohort has it; 0: the subject's own
  Geometry grid;                    // of the slices: size {W, H, slices per scan}; axes as the plane has them
  bool has_manual = true;           // one of the two kinds at least
  bool has_automatic = false;
  std::vector<ScanInfo> scans;

  bool has(LabelKind kind) const { return kind == LabelKind::kManual ? has_manual : has_automatic; }
  int width() const { return grid.size[0]; }
  int height() const { return grid.size[1]; }
  int channel_count() const { return static_cast<int>(channels.size()); }
  int slices_per_scan() const { return grid.size[2]; }
  int slices() const { return slices_per_scan() * static_cast<int>(scans.size()); }
};

/// A shard in memory. Slice n belongs to scan n / slices_per_scan and lies at height n % slices_per_scan.
struct ShardContents {
  ShardInfo info;                        // counts, and for intensity t1 mean and sd, are computed by write_shard
  std::vector<std::uint8_t> images;      // [N, H, W]; empty where
  std::vector<float> values;             // [N, C, H, W] is not: bytes of several channels, and any other intensities
  std::vector<std::uint8_t> labels;      // [N, H, W], class ids or kIgnored, manual; empty unless info.has_manual
  std::vector<std::uint8_t> automatic;   // [N, H, W], class ids; empty unless info.has_automatic
  Volume<std::int32_t> original_labels;  // manual, as the subject came: own grid, own ids; empty where there are none
};

/// kShardVersion where that format can say all that `contents` has: bytes of one channel by the rule t1, of a built-in
/// label table, on one spacing.
int shard_version(const ShardContents& contents);

/// Fills in what write_shard() computes: counts of classes, and by rule t1 the mean and sd of bytes. Throws
/// nothing; the contents may lack labels.
void measure(ShardContents& contents);

/// The table of the labels that info.label_table names.
LabelTable table_of(const ShardInfo& info);

/// Writes beside `file`, syncs, renames: a shard exists whole or not at all. Equal contents make equal files. Throws
/// std::runtime_error naming the file, also where the contents do not fit together.
void write_shard(const std::filesystem::path& file, ShardContents contents);

/// An open shard. Any number of threads may read from any number of shards (calls into HDF5 are serialised).
class Shard {
 public:
  /// Throws std::runtime_error that names file and dataset where something is missing, truncated, of a wrong shape, of
  /// another format version, or that names classes which are not those of its label table.
  explicit Shard(const std::filesystem::path& file);
  Shard(Shard&&) noexcept;
  Shard& operator=(Shard&&) noexcept;
  ~Shard();

  const ShardInfo& info() const { return info_; }
  const std::filesystem::path& file() const { return file_; }

  /// Reads slices [first, first + count) into buffers of count * H * W bytes; either may be empty (not read). Throws
  /// std::runtime_error naming file and dataset, also for a failed checksum, for labels that are no class (which is
  /// asked here and nowhere later), for a kind of labels that the shard lacks, and for images of other than bytes or of
  /// several channels.
  void read(int first, int count, std::span<std::uint8_t> images, std::span<std::uint8_t> labels,
            LabelKind kind = LabelKind::kManual) const;

  /// Whether its images are bytes of one channel, as read() takes them.
  bool stores_bytes() const;

  /// Whether its labels may be kIgnored; siblings agree.
  bool may_ignore() const { return !info_.own_classes.ignore.empty(); }

  /// Intensities of slices [first, first + count), whatever they are stored as, [count, C, H, W]. Throws as above.
  void read_values(int first, int count, std::span<float> values) const;

  /// By channel of scan `scan`: its own mean and sd, or what standardise_by() has said. Throws std::runtime_error
  /// naming the file where rule ct needs that and nothing has been said.
  std::vector<Standard> standards(int scan) const;
  /// `standards`: of the training subjects of the stage, standards_over(); empty: each scan's own.
  void standardise_by(std::vector<Standard> standards) { of_stage_ = std::move(standards); }

  /// Per slice of scan `scan`, whether any pixel has a class above 0. From the stored index, without reading pixels.
  std::vector<bool> labelled_slices(int scan, LabelKind kind = LabelKind::kManual) const;

  /// The manual labels on their own grid. Throws std::runtime_error naming the file where there are none.
  Volume<std::int32_t> original_labels() const;

 private:
  struct Handle;
  std::filesystem::path file_;
  ShardInfo info_;
  std::vector<Standard> of_stage_;
  std::unique_ptr<Handle> handle_;
};

/// Throws std::runtime_error that names both files unless plane, slice size, spacing (where subjects don't keep their
/// own), channels, intensity rule and label table agree.
void require_siblings(const Shard& a, const Shard& b);

}  // namespace crossfade::data
