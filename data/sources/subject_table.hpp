// Subjects from a table that says which files are whose.
#pragma once

#include <filesystem>

#include "data/sources/subject_list.hpp"

namespace crossfade::data {

/// Reads a CSV file (read_csv) with one row a subject and these columns, in any order; others are passed over, by name
/// in `unused`:
///
///   subject                     the name, required
///   image, image2, image_T1 ... the image, or one column a channel in the order of the columns: "image", "image" and a
///                               number, or "image_" and any name
///   labels, automatic_labels    label maps
///   part                        train, validation or test, in every row or in none
///   person                      whose scan it is; where it is empty, the subject's own
///
/// At least one of image, labels and automatic_labels must be there. Paths are relative to the table's folder. A
/// subject with an empty field of image or labels is left out. Throws std::runtime_error naming the table, the line and
/// the column for a file that is not there, a subject or a column that is there twice, an unknown part, a row without
/// part where others have one, and a person in two parts; and what read_csv() and finish() throw.
SubjectList read_subject_table(const std::filesystem::path& table);

}  // namespace crossfade::data
