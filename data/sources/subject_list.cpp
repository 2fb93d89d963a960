#include "data/sources/subject_list.hpp"

#include <algorithm>
#include <map>

#include "data/volumes/volume_file.hpp"

namespace crossfade::data {
namespace {

namespace fs = std::filesystem;

/// A file that tells a person which subject is meant.
std::string file_of(const ListedSubject& subject) {
  return (!subject.images.empty()   ? subject.images.front()
          : !subject.labels.empty() ? subject.labels
                                    : subject.automatic_labels)
      .string();
}

std::string first_few(const std::vector<std::string>& lines) {
  constexpr std::size_t kFew = 5;
  std::string text;
  for (std::size_t i = 0; i < std::min(lines.size(), kFew); ++i) text += (i == 0 ? "" : "; ") + lines[i];
  return lines.size() <= kFew ? text : text + "; and " + std::to_string(lines.size() - kFew) + " more";
}

void require_names(const std::vector<ListedSubject>& subjects, const fs::path& source) {
  for (const ListedSubject& subject : subjects)
    if (const std::string fault = subject_name_fault(subject.name); !fault.empty()) fail(source, fault);
  const auto twin = std::ranges::adjacent_find(subjects, {}, &ListedSubject::name);
  if (twin == subjects.end()) return;
  fail(source, "subject '" + twin->name + "' is there twice, with " + file_of(*twin) + " and with " +
                   file_of(*std::next(twin)) + ", expected each name once");
}

/// One scan of two persons could be in two parts of a split. One person may have it twice, with other labels.
void require_own_images(const std::vector<ListedSubject>& subjects, const fs::path& source) {
  std::map<fs::path, const ListedSubject*> owner;
  for (const ListedSubject& subject : subjects)
    for (const fs::path& image : subject.images) {
      const ListedSubject& first = *owner.emplace(image.lexically_normal(), &subject).first->second;
      if (first.person != subject.person)
        fail(source, image.string() + " is the image of subject '" + first.name + "' and of subject '" + subject.name +
                         "', expected one person's");
    }
}

/// Else nobody knows which file of a subject is which channel.
void require_equal_channels(const std::vector<ListedSubject>& subjects, const fs::path& source) {
  for (const ListedSubject& subject : subjects)
    if (const ListedSubject& first = subjects.front(); subject.images.size() != first.images.size())
      fail(source, "subject '" + first.name + "' has " + std::to_string(first.images.size()) +
                       " files of images and subject '" + subject.name + "' has " +
                       std::to_string(subject.images.size()) + ", expected equally many");
}

}  // namespace

const std::string& person_of(const ListedSubject& subject) {
  return subject.person.empty() ? subject.name : subject.person;
}

std::string subject_name_fault(const std::string& name) {
  if (name.empty()) return "a subject has an empty name";
  const bool is_one_line = std::ranges::all_of(name, [](unsigned char c) { return c >= ' ' && c != 127; });
  if (is_one_line && name.find('/') == std::string::npos) return {};
  return "subject '" + name + "' names a file of its own, so its name must have no '/' and no control character";
}

bool is_file(const fs::path& file) {
  std::error_code error;
  if (fs::symlink_status(file, error).type() == fs::file_type::not_found) return false;
  require_file(file);
  return true;
}

void finish(SubjectList& list, const fs::path& source) {
  std::ranges::sort(list.subjects, {}, &ListedSubject::name);
  std::ranges::sort(list.left_out);
  require_names(list.subjects, source);
  require_equal_channels(list.subjects, source);
  require_own_images(list.subjects, source);
  if (list.subjects.empty())
    fail(source, list.left_out.empty() ? "names no subject, expected at least one"
                                       : "no subject has all its files: " + first_few(list.left_out));
}

void exclude(SubjectList& list, const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    const auto listed = std::erase_if(list.subjects, [&](const ListedSubject& subject) {
      return subject.name == name || person_of(subject) == name;
    });
    const auto left_out =
        std::erase_if(list.left_out, [&](const std::string& line) { return line.starts_with(name + ": "); });
    if (listed + left_out == 0) list.strangers.push_back(name);
  }
}

void require_complete(const SubjectList& list, const fs::path& source) {
  if (!list.left_out.empty())
    fail(source, std::to_string(list.left_out.size()) + " of " +
                     std::to_string(list.left_out.size() + list.subjects.size()) +
                     " subjects cannot be used: " + first_few(list.left_out));
}

}  // namespace crossfade::data
