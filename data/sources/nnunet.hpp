// Data sets in the layouts of the Medical Segmentation Decathlon and of nnU-Net: a folder with dataset.json.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "data/labels/label_table.hpp"
#include "data/sources/subject_list.hpp"

namespace crossfade::data {

struct NnunetDataset {
  std::vector<std::string> channels;  // names, at least one
  OwnClasses classes;                 // names and ids ordered by id, the background's too; own_label_table() takes them
  SubjectList list;  // a person a subject; with several channels `images` has one file each, or one for all
  std::vector<SourceFold> folds;  // of splits_final.json; empty where there is none
};

/// Reads `folder`, whose dataset.json tells the layout:
///
/// - Decathlon: modality, labels {"1": "Anterior"}, training [{image, label}]. One file a case; several channels are
///   one 4-D NIfTI.
/// - nnU-Net 1: the same, but where the list says CASE.nii.gz the files are CASE_0000.nii.gz, CASE_0001.nii.gz, one a
///   channel.
/// - nnU-Net 2: channel_names, labels {"tumour": 1}, file_ending: imagesTr/CASE_0000.ENDING, one a channel, and
///   labelsTr/CASE.ENDING; or a list dataset {CASE: {images, label}}. Where no case has a file _0001, CASE_0000.ENDING
///   has all channels.
///
/// Subjects of imagesTs have part "test" and are listed where labelsTs has labels; all others have no part. The label
/// "ignore" of nnU-Net 2 goes to classes.ignore. A case with an image and no labels, the reverse, or without all its
/// channels is left out. Throws std::runtime_error naming file and key for what is none of these, for overlapping
/// regions (lists of ids, regions_class_order), for labels that own_label_table() refuses, for a fold with a name that
/// is no subject or stands there twice, and what finish() throws. `with_folds`: splits_final.json is read, if there.
NnunetDataset read_nnunet(const std::filesystem::path& folder, bool with_folds = true);

}  // namespace crossfade::data
