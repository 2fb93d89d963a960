// What is to be said of a cohort's files: gathered a subject, said once a cohort.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/labels/label_table.hpp"
#include "data/volumes/reading_notes.hpp"

namespace crossfade::data {

/// Where the labelled voxels (of a class) of a label map lie in the image that it belongs to.
struct LabelPlacement {
  std::uint64_t labelled = 0;
  std::uint64_t outside = 0;        // of the image
  std::uint64_t on_background = 0;  // on the value of the image's border, where half of the border has it
  std::uint64_t negative = 0;       // on values below 0
};

/// One label map of a subject.
struct LabelNotes {
  std::string kind;   // "labels", "automatic labels", "predictions"
  std::string table;  // name of the label table; empty where ids that it does not name are none of a person's business
  ReadingNotes reading;
  IdCounts unnamed;  // voxels of ids that the table does not name: class 0 now
  IdCounts cut;      // voxels of named ids outside the
  std::string field = "field of view of 256 mm";
  LabelPlacement placement;
};

struct SubjectNotes {
  std::string subject;
  ReadingNotes image;
  std::vector<LabelNotes> labels;
};

/// A line for a person; doubtful where it may be a fault.
struct Remark {
  bool doubtful = false;
  std::string text;
};

/// One line for each thing that any subject has, with how many have it, the range over them and the worst by name.
std::vector<Remark> remarks_on(const std::vector<SubjectNotes>& subjects);

/// Adds one line on all `names`, at most five of them said; none for none. `noun`: "file", in the singular.
void remark_on_names(std::vector<Remark>& remarks, const std::string& what, const std::vector<std::string>& names,
                     const std::string& noun);

/// Labelled voxels outside the image or on its background are said from this share on, and refused above half.
inline constexpr double kSaidShare = 0.01, kRefusedShare = 0.5;

/// (outside + on_background) / labelled; 0 where nothing is labelled.
double misplaced_share(const LabelPlacement& placement);

/// 0.0123 as "1.2 %".
std::string percent(double share);

}  // namespace crossfade::data
