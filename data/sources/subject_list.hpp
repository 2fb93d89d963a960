// The subjects that a source names, and which files belong to each: what patterns, tables and data sets are read into.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace crossfade::data {

/// Files are paths that can be opened from here; empty where the source has nothing of the kind.
struct ListedSubject {
  std::string name;
  std::vector<std::filesystem::path> images{};  // one file a channel, or one file with all channels
  std::filesystem::path labels{}, automatic_labels{};
  std::string part{};    // "train", "validation" or "test" where the source says so; else empty
  std::string person{};  // whose scans these are: subjects of one person are never split
};

/// The person whose scan it is: the subject itself, where the source says no other.
const std::string& person_of(const ListedSubject& subject);

struct SubjectList {
  std::vector<ListedSubject> subjects;   // sorted by name
  std::vector<std::string> left_out{};   // "NAME: REASON" for each subject that lacks a file or can't be used, sorted
  std::vector<std::string> unused{};     // columns of a table that say nothing here
  std::vector<std::string> strangers{};  // names that exclude() was given and that nobody bears
};

/// A fold as splits_final.json has it: names of subjects.
struct SourceFold {
  std::vector<std::string> train, validation;
};

/// Why `name` cannot be a subject's, which names a shard and stands in a line of its own; empty if it can.
std::string subject_name_fault(const std::string& name);

/// False where nothing is called `file`. Throws std::runtime_error naming it where it is a folder or a link to nothing.
bool is_file(const std::filesystem::path& file);

/// Sorts the list of `source` (a file or a folder, for messages). Throws std::runtime_error naming the source, the
/// subjects and their files: for a name that no subject can have, a subject that is there twice, subjects of unlike
/// numbers of images, an image that belongs to two persons, and where no subject is left.
void finish(SubjectList& list, const std::filesystem::path& source);

/// Takes the subjects and the persons of these names out of the list, and subjects out of those that were left out.
void exclude(SubjectList& list, const std::vector<std::string>& names);

/// Throws std::runtime_error naming the source and the first few where any subject was left out.
void require_complete(const SubjectList& list, const std::filesystem::path& source);

}  // namespace crossfade::data
