#include "data/cohorts/made_from.hpp"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "data/publish.hpp"

namespace crossfade::data {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFirstLine = "crossfade shards made from, version 1";
constexpr std::size_t kHashDigits = 16;

fs::path file_in(const fs::path& folder) {
  return folder / "made-from.txt";
}

}  // namespace

std::optional<MadeFrom> read_made_from(const fs::path& folder) {
  const fs::path file = file_in(folder);
  std::ifstream in(file);
  if (!in) return std::nullopt;
  const auto refuse = [&](const std::string& line) {
    throw std::runtime_error(file.string() + ": line '" + line + "' is not as `runner prepare` writes it; remove the " +
                             "file and the shards beside it, and prepare them again");
  };
  MadeFrom made;
  std::string line;
  if (!std::getline(in, line) || line != kFirstLine) refuse(line);
  while (std::getline(in, line)) {
    if (line.size() <= kHashDigits + 1 || line[kHashDigits] != ' ') refuse(line);
    const std::string hash = line.substr(0, kHashDigits), what = line.substr(kHashDigits + 1);
    if (what == "cohort")
      made.cohort = hash;
    else if (what.starts_with("subject "))
      made.subjects[what.substr(8)] = hash;
    else
      refuse(line);
  }
  return made;
}

void write_made_from(const fs::path& folder, const MadeFrom& made) {
  std::ostringstream text;
  text << kFirstLine << '\n';
  if (!made.cohort.empty()) text << made.cohort << " cohort\n";
  for (const auto& [subject, hash] : made.subjects) text << hash << " subject " << subject << '\n';
  write_whole(file_in(folder), text.str());
}

std::vector<std::string> prepared_subjects(const fs::path& folder) {
  std::error_code error;
  const fs::directory_iterator files(folder, error);
  if (error) throw std::runtime_error(folder.string() + ": no folder of shards: " + error.message());
  const std::optional<MadeFrom> made = read_made_from(folder);
  std::vector<std::string> subjects;
  for (const auto& entry : files) {
    const std::string subject = entry.path().stem().string();
    if (entry.path().extension() == ".h5" && (!made || made->subjects.contains(subject))) subjects.push_back(subject);
  }
  if (subjects.empty())
    throw std::runtime_error(folder.string() + ": no shard (SUBJECT.h5) in this folder; `runner prepare` makes them");
  std::ranges::sort(subjects);
  return subjects;
}

}  // namespace crossfade::data
