// Shards are also looked at through HDF5 itself here, and broken through it.
#include "data/shards/shard.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <hdf5.h>

#include <cmath>
#include <fstream>
#include <functional>
#include <iterator>
#include <thread>

#include "tests/data/small_shard.hpp"
#include "tests/temporary_folder.hpp"

namespace crossfade::data {
namespace {

using testing::AllOf;
using testing::HasSubstr;

std::string bytes_of(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

void put_bytes(const std::filesystem::path& file, const std::string& bytes) {
  std::ofstream(file, std::ios::binary) << bytes;
}

/// Message of the std::runtime_error that opening and reading all of `file` ends with; empty where nothing is wrong.
std::string refusal(const std::filesystem::path& file) {
  try {
    const Shard shard(file);
    const std::size_t bytes = shard.info().grid.voxels() * shard.info().scans.size();
    std::vector<std::uint8_t> images(bytes), labels(bytes);
    shard.read(0, shard.info().slices(), images, labels);
    shard.original_labels();
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return {};
}

class ShardFile : public testing::Test {
 protected:
  TemporaryFolder folder;
  std::filesystem::path file = folder.path / "subject.h5";

  void write() { write_shard(file, small_shard("subject")); }

  /// Opens the file for change by HDF5's own calls.
  void tamper(const std::function<void(hid_t)>& change) {
    const hid_t handle = H5Fopen(file.c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
    ASSERT_GE(handle, 0);
    change(handle);
    H5Fclose(handle);
  }

  static void replace_dataset(hid_t handle, const char* name, std::vector<hsize_t> shape, hid_t type) {
    H5Ldelete(handle, name, H5P_DEFAULT);
    const hid_t space = H5Screate_simple(static_cast<int>(shape.size()), shape.data(), nullptr);
    H5Dclose(H5Dcreate2(handle, name, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
    H5Sclose(space);
  }

  template <class Change>
  static void change_text(hid_t handle, const char* name, Change change) {
    const hid_t attribute = H5Aopen(handle, name, H5P_DEFAULT);
    const hid_t type = H5Aget_type(attribute);
    std::string text(H5Aget_storage_size(attribute), '\0');
    H5Aread(attribute, type, text.data());
    change(text);
    H5Awrite(attribute, type, text.data());
    H5Tclose(type);
    H5Aclose(attribute);
  }
};

TEST_F(ShardFile, GivesBackWhatWasWritten) {
  const ShardContents contents = small_shard("subject");
  write();
  const Shard shard(file);
  EXPECT_EQ(shard.info().subject, "subject");
  EXPECT_EQ(shard.info().plane, "axial");
  EXPECT_EQ(shard.info().source, "a test");
  EXPECT_EQ(shard.info().label_table, "freesurfer");
  EXPECT_EQ(shard.info().label_table_hash, "0123456789abcdef");
  EXPECT_EQ(shard.info().grid, contents.info.grid);
  ASSERT_EQ(shard.info().slices(), 8);
  std::vector<std::uint8_t> images(contents.images.size()), labels(contents.labels.size());
  shard.read(0, 8, images, labels);
  EXPECT_EQ(images, contents.images);
  EXPECT_EQ(labels, contents.labels);
  EXPECT_EQ(shard.original_labels().geometry, contents.original_labels.geometry);
  EXPECT_EQ(shard.original_labels().voxels, contents.original_labels.voxels);
}

TEST_F(ShardFile, ReadsAPartOfTheSlicesAndOnlyWhatIsAskedFor) {
  const ShardContents contents = small_shard("subject");
  write();
  const Shard shard(file);
  std::vector<std::uint8_t> two(2 * 48), one(48);
  shard.read(3, 2, two, {});
  EXPECT_TRUE(std::equal(two.begin(), two.end(), contents.images.begin() + 3 * 48));
  shard.read(7, 1, {}, one);
  EXPECT_TRUE(std::equal(one.begin(), one.end(), contents.labels.begin() + 7 * 48));
  EXPECT_THROW(shard.read(7, 2, two, {}), std::runtime_error);
  EXPECT_THROW(shard.read(0, 2, one, {}), std::runtime_error);
}

TEST_F(ShardFile, StoresMeanSdCountsAndTheIndexOfLabelledSlices) {
  // By hand: of scan 0, pixel p of slice 0 has intensity 10 where p < 24 and 30 from there; slices 1 to 3 are 0. Class
  // 2 has 5 pixels in slice 0, class 27 has 1 pixel in slice 0 and 2 in slice 2.
  ShardContents contents = small_shard("subject");
  std::fill_n(contents.images.begin(), 4 * 48, std::uint8_t{0});
  std::fill_n(contents.images.begin(), 24, std::uint8_t{10});
  std::fill_n(contents.images.begin() + 24, 24, std::uint8_t{30});
  std::fill_n(contents.labels.begin(), 4 * 48, std::uint8_t{0});
  std::fill_n(contents.labels.begin() + 7, 5, std::uint8_t{2});
  contents.labels[47] = 27;
  std::fill_n(contents.labels.begin() + 2 * 48, 2, std::uint8_t{27});
  write_shard(file, contents);
  const Shard shard(file);
  const ScanInfo& scan = shard.info().scans[0];
  EXPECT_DOUBLE_EQ(scan.channels[0].mean, 20);  // of the voxels above 0
  EXPECT_DOUBLE_EQ(scan.channels[0].sd, 10);
  EXPECT_EQ(scan.manual.pixels[2], 5U);
  EXPECT_EQ(scan.manual.slices[2], 1U);
  EXPECT_EQ(scan.manual.pixels[27], 3U);
  EXPECT_EQ(scan.manual.slices[27], 2U);
  EXPECT_EQ(scan.manual.pixels[0], 4U * 48 - 8);
  EXPECT_EQ(scan.manual.slices[0], 4U);
  EXPECT_EQ(scan.manual.pixels[1], 0U);
  EXPECT_EQ(shard.labelled_slices(0), (std::vector<bool>{true, false, true, false}));
}

TEST_F(ShardFile, KeepsAutomaticLabelsBesideTheManualOnes) {
  ShardContents contents = small_shard("subject");
  write_shard(file, contents);
  EXPECT_FALSE(Shard(file).info().has_automatic);
  std::vector<std::uint8_t> labels(contents.labels.size());
  EXPECT_THROW(Shard(file).read(0, 8, {}, labels, LabelKind::kAutomatic), std::runtime_error);
  EXPECT_THROW(Shard(file).labelled_slices(0, LabelKind::kAutomatic), std::runtime_error);

  // By hand: class 9 has 3 pixels in slice 1 and 1 pixel in slice 3 of scan 1; all else is 0.
  contents.info.has_automatic = true;
  contents.automatic.assign(contents.labels.size(), 0);
  std::fill_n(contents.automatic.begin() + 5 * 48 + 10, 3, std::uint8_t{9});
  contents.automatic[7 * 48 + 47] = 9;
  write_shard(file, contents);
  {
    const Shard shard(file);
    EXPECT_TRUE(shard.info().has_automatic);
    shard.read(0, 8, {}, labels, LabelKind::kAutomatic);
    EXPECT_EQ(labels, contents.automatic);
    shard.read(0, 8, {}, labels);
    EXPECT_EQ(labels, contents.labels);
    EXPECT_EQ(shard.info().scans[1].automatic.pixels[9], 4U);
    EXPECT_EQ(shard.info().scans[1].automatic.slices[9], 2U);
    EXPECT_EQ(shard.info().scans[0].automatic.pixels[0], 4U * 48);
    EXPECT_EQ(shard.labelled_slices(1, LabelKind::kAutomatic), (std::vector<bool>{false, true, false, true}));
    EXPECT_EQ(shard.labelled_slices(1), (std::vector<bool>{true, true, true, false}));
  }

  tamper([](hid_t handle) { replace_dataset(handle, "labels_automatic", {8, 8, 7}, H5T_STD_U8LE); });
  EXPECT_THAT(refusal(file), AllOf(HasSubstr(file.string()), HasSubstr("dataset 'labels_automatic'")));
  contents.automatic[0] = 28;
  EXPECT_THROW(write_shard(file, contents), std::runtime_error);
}

TEST_F(ShardFile, HasNoManualLabelsWhereItHasAutomaticOnesAlone) {
  ShardContents contents = small_shard("subject");
  contents.automatic = contents.labels;
  contents.info.has_manual = false;
  contents.info.has_automatic = true;
  EXPECT_THROW(write_shard(file, contents), std::runtime_error) << "manual labels that are not to be there";
  contents.labels.clear();
  EXPECT_THROW(write_shard(file, contents), std::runtime_error) << "original labels that are not to be there";
  contents.original_labels = {};
  write_shard(file, contents);
  {
    const Shard shard(file);
    EXPECT_FALSE(shard.info().has(LabelKind::kManual));
    EXPECT_TRUE(shard.info().has(LabelKind::kAutomatic));
    std::vector<std::uint8_t> labels(contents.automatic.size());
    shard.read(0, 8, {}, labels, LabelKind::kAutomatic);
    EXPECT_EQ(labels, contents.automatic);
    EXPECT_EQ(shard.labelled_slices(0, LabelKind::kAutomatic), (std::vector<bool>{true, true, true, false}));
    EXPECT_THAT([&] { shard.read(0, 8, {}, labels); },
                testing::ThrowsMessage<std::runtime_error>(
                    AllOf(HasSubstr(file.string()), HasSubstr("there are no manual labels"))));
    EXPECT_THROW(shard.labelled_slices(0), std::runtime_error);
    EXPECT_THROW(shard.original_labels(), std::runtime_error);
  }
  const hid_t handle = H5Fopen(file.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT);
  for (const char* name : {"labels", "labelled", "scans/labels_pixels", "scans/labels_slices", "original"})
    EXPECT_EQ(H5Lexists(handle, name, H5P_DEFAULT), 0) << name;
  H5Fclose(handle);
  contents.info.has_automatic = false;
  contents.automatic.clear();
  EXPECT_THROW(write_shard(file, contents), std::runtime_error) << "no labels at all";
}

TEST_F(ShardFile, HasTheLayoutOfTheDocumentedFormat) {
  write();
  const hid_t handle = H5Fopen(file.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT);
  for (const char* name : {"images", "labels"}) {
    const hid_t dataset = H5Dopen2(handle, name, H5P_DEFAULT);
    const hid_t creation = H5Dget_create_plist(dataset);
    std::array<hsize_t, 3> chunk{};
    EXPECT_EQ(H5Pget_chunk(creation, 3, chunk.data()), 3);
    EXPECT_EQ(chunk, (std::array<hsize_t, 3>{1, 8, 6})) << "a chunk is a slice";
    unsigned flags = 0, config = 0;
    std::size_t values = 0;
    EXPECT_GE(H5Pget_filter_by_id2(creation, H5Z_FILTER_FLETCHER32, &flags, &values, nullptr, 0, nullptr, &config), 0);
    H5Pclose(creation);
    H5Dclose(dataset);
  }
  for (const char* name : {"scan", "slice", "labelled", "scans/mean", "scans/sd", "scans/labels_pixels",
                           "scans/labels_slices", "original/labels"})
    EXPECT_GT(H5Lexists(handle, name, H5P_DEFAULT), 0) << name;
  for (const char* name : {"format", "format_version", "plane", "class_names", "class_ids", "label_table",
                           "label_table_hash", "label_kinds", "source", "voxel_mm"})
    EXPECT_GT(H5Aexists(handle, name), 0) << name;
  H5Fclose(handle);
}

TEST_F(ShardFile, IsTheSameForTheSameContents) {
  write();
  const std::string first = bytes_of(file);
  write();
  EXPECT_TRUE(bytes_of(file) == first);
  // Both were written within a second: look for HDF5's times of change as well.
  const hid_t handle = H5Fopen(file.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT);
  for (const char* name : {"/", "images", "labels", "scans", "scans/mean", "original", "original/labels"}) {
    H5O_info_t info{};
    EXPECT_GE(H5Oget_info_by_name(handle, name, &info, H5P_DEFAULT), 0);
    EXPECT_EQ(info.ctime, 0) << name;
  }
  H5Fclose(handle);
}

TEST_F(ShardFile, LeavesNothingBesideItAndReplacesWhatWasThere) {
  put_bytes(file, "an old file");
  write();
  EXPECT_EQ(refusal(file), "");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path), {}), 1);
}

TEST_F(ShardFile, IsNotTouchedByAWriterThatFails) {
  write();
  ShardContents contents = small_shard("subject");
  contents.labels[100] = 28;
  EXPECT_THAT([&] { write_shard(file, contents); },
              testing::ThrowsMessage<std::runtime_error>(AllOf(HasSubstr(file.string()), HasSubstr("label 28"))));
  contents = small_shard("subject");
  contents.images.pop_back();
  EXPECT_THROW(write_shard(file, contents), std::runtime_error);
  EXPECT_THAT([&] { write_shard(folder.path / "no" / "such.h5", small_shard("subject")); },
              testing::ThrowsMessage<std::runtime_error>(HasSubstr("such.h5")));
  EXPECT_EQ(refusal(file), "");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path), {}), 1);
}

TEST_F(ShardFile, RefusesTruncatedFileByName) {
  write();
  const std::string whole = bytes_of(file);
  for (const std::size_t length :
       {std::size_t{0}, std::size_t{5}, std::size_t{100}, whole.size() / 2, whole.size() - 1}) {
    put_bytes(file, whole.substr(0, length));
    EXPECT_THAT(refusal(file), HasSubstr(file.string())) << length << " bytes";
  }
  put_bytes(file, "this is a text\n");
  EXPECT_THAT(refusal(file), HasSubstr(file.string()));
  EXPECT_THAT(refusal(folder.path / "none.h5"), HasSubstr("none.h5: there is no such file"));
  EXPECT_THAT(refusal(folder.path), HasSubstr(folder.path.string()));
}

TEST_F(ShardFile, NoticesEveryByteThatChangesWhatIsRead) {
  // Every 11th byte of the file, one at a time: it is refused with the file's name, or the contents are what they were.
  const ShardContents contents = small_shard("subject");
  write();
  const std::string whole = bytes_of(file);
  int refused = 0, images_checksum = 0;
  for (std::size_t at = 0; at < whole.size(); at += 11) {
    std::string broken = whole;
    broken[at] = static_cast<char>(broken[at] ^ 0x5A);
    put_bytes(file, broken);
    const std::string message = refusal(file);
    if (message.empty()) {
      const Shard shard(file);
      std::vector<std::uint8_t> images(contents.images.size()), labels(contents.labels.size());
      shard.read(0, 8, images, labels);
      ASSERT_EQ(images, contents.images) << "byte " << at;
      ASSERT_EQ(labels, contents.labels) << "byte " << at;
      ASSERT_EQ(shard.original_labels().voxels, contents.original_labels.voxels) << "byte " << at;
      ASSERT_EQ(shard.info().grid, contents.info.grid) << "byte " << at;
      ASSERT_EQ(shard.info().subject, "subject") << "byte " << at;
    } else {
      ++refused;
      ASSERT_THAT(message, HasSubstr(file.string())) << "byte " << at;
      ASSERT_EQ(message.find('\n'), std::string::npos) << message;
      if (message.find("dataset 'images' is damaged") != std::string::npos &&
          message.find("checksum") != std::string::npos)
        ++images_checksum;
    }
  }
  EXPECT_GT(refused, 0);
  EXPECT_GT(images_checksum, 0) << "no flipped byte of the images was found by its checksum";
}

TEST_F(ShardFile, RefusesAnotherVersion) {
  write();
  tamper([](hid_t handle) {
    const hid_t attribute = H5Aopen(handle, "format_version", H5P_DEFAULT);
    const int version = kShardVersionOfOwnData + 1;
    H5Awrite(attribute, H5T_NATIVE_INT, &version);
    H5Aclose(attribute);
  });
  EXPECT_THAT(refusal(file),
              AllOf(HasSubstr(file.string()), HasSubstr("format version 4"), HasSubstr("versions 2 and 3")));
}

TEST_F(ShardFile, RefusesAnotherFormat) {
  write();
  tamper([](hid_t handle) { change_text(handle, "format", [](std::string& text) { text[0] = 'C'; }); });
  EXPECT_THAT(refusal(file), AllOf(HasSubstr(file.string()), HasSubstr("Crossfade shard")));
}

TEST_F(ShardFile, RefusesAnotherClassList) {
  write();
  tamper([](hid_t handle) {
    change_text(handle, "class_names", [](std::string& text) { text.replace(text.find("Amygdala"), 8, "amygdala"); });
  });
  EXPECT_THAT(refusal(file), AllOf(HasSubstr(file.string()), HasSubstr("class 16 is 'Left-amygdala'")));
}

TEST_F(ShardFile, RefusesAPlaneThatIsNone) {
  write();
  tamper([](hid_t handle) { change_text(handle, "plane", [](std::string& text) { text = "obliq"; }); });
  EXPECT_THAT(refusal(file), AllOf(HasSubstr(file.string()), HasSubstr("'plane' is 'obliq'")));
}

TEST_F(ShardFile, RefusesAWrongShapeByNameOfTheDataset) {
  const std::vector<std::pair<const char*, std::vector<hsize_t>>> wrong = {
      {"images", {8, 48}},
      {"labels", {8, 8, 7}},
      {"labels", {7, 8, 6}},
      {"scan", {7}},
      {"slice", {8, 1}},
      {"labelled", {9}},
      {"scans/mean", {3}},
      {"scans/sd", {1}},
      {"scans/labels_pixels", {2, 27}},
      {"original/labels", {60}},
  };
  for (const auto& [name, shape] : wrong) {
    write();
    tamper([&](hid_t handle) {
      const hid_t dataset = H5Dopen2(handle, name, H5P_DEFAULT);
      const hid_t type = H5Dget_type(dataset);
      replace_dataset(handle, name, shape, type);
      H5Tclose(type);
      H5Dclose(dataset);
    });
    EXPECT_THAT(refusal(file), AllOf(HasSubstr(file.string()), HasSubstr("dataset '" + std::string(name) + "'")))
        << name;
  }
}

TEST_F(ShardFile, RefusesAWrongTypeAndAMissingDatasetByName) {
  write();
  tamper([](hid_t handle) { replace_dataset(handle, "images", {8, 8, 6}, H5T_STD_I16LE); });
  EXPECT_THAT(refusal(file),
              AllOf(HasSubstr(file.string()), HasSubstr("dataset 'images' does not hold unsigned 8-bit")));
  write();
  tamper([](hid_t handle) { H5Ldelete(handle, "labels", H5P_DEFAULT); });
  EXPECT_THAT(refusal(file), AllOf(HasSubstr(file.string()), HasSubstr("dataset 'labels' is missing")));
  write();
  tamper([](hid_t handle) { H5Adelete(handle, "plane"); });
  EXPECT_THAT(refusal(file), AllOf(HasSubstr(file.string()), HasSubstr("attribute 'plane' is missing")));
}

TEST_F(ShardFile, RefusesALabelThatIsNoClass) {
  write();
  tamper([](hid_t handle) {
    const hid_t dataset = H5Dopen2(handle, "labels", H5P_DEFAULT);
    std::vector<std::uint8_t> labels(8 * 48);
    H5Dread(dataset, H5T_NATIVE_UINT8, H5S_ALL, H5S_ALL, H5P_DEFAULT, labels.data());
    labels[5 * 48 + 7] = 28;
    H5Dwrite(dataset, H5T_NATIVE_UINT8, H5S_ALL, H5S_ALL, H5P_DEFAULT, labels.data());
    H5Dclose(dataset);
  });
  EXPECT_THAT(refusal(file), AllOf(HasSubstr(file.string()),
                                   HasSubstr("dataset 'labels' has 28 in slice 5 of subject subject, which")));
}

TEST_F(ShardFile, IsRefusedBesideAShardThatIsNoSibling) {
  write();
  const Shard shard(file);
  const auto other = [&](const std::function<void(ShardContents&)>& change) {
    ShardContents contents = small_shard("other");
    change(contents);
    write_shard(folder.path / "other.h5", contents);
    try {
      require_siblings(shard, Shard(folder.path / "other.h5"));
    } catch (const std::runtime_error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_EQ(other([](ShardContents&) {}), "");
  EXPECT_THAT(other([](ShardContents& c) { c.info.plane = "coronal"; }),
              AllOf(HasSubstr("subject.h5"), HasSubstr("other.h5"), HasSubstr("plane coronal differs from axial")));
  EXPECT_THAT(other([](ShardContents& c) { std::swap(c.info.grid.size[0], c.info.grid.size[1]); }),
              HasSubstr("slice size 8 x 6"));
  EXPECT_THAT(other([](ShardContents& c) { c.info.grid.affine[0][0] = 1; }), HasSubstr("spacing"));
  EXPECT_THAT(other([](ShardContents& c) { c.info.label_table_hash = "fedcba9876543210"; }), HasSubstr("label table"));
}

TEST_F(ShardFile, IsReadByManyThreadsAtOnce) {
  const ShardContents contents = small_shard("subject");
  write();
  const Shard shard(file);
  std::vector<int> wrong(4, 0);
  {
    std::vector<std::jthread> threads;
    for (std::size_t t = 0; t < wrong.size(); ++t)
      threads.emplace_back([&, t] {
        std::vector<std::uint8_t> image(48);
        for (int i = 0; i < 200; ++i) {
          const int slice = (i * 3 + static_cast<int>(t)) % 8;
          shard.read(slice, 1, image, {});
          if (!std::equal(image.begin(), image.end(), contents.images.begin() + slice * 48)) ++wrong[t];
        }
      });
  }
  EXPECT_EQ(wrong, std::vector<int>(4, 0));
}

}  // namespace
}  // namespace crossfade::data
