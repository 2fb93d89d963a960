#include "data/sources/subject_table.hpp"

#include <algorithm>
#include <cctype>
#include <map>
#include <optional>
#include <set>
#include <stdexcept>
#include <string_view>

#include "data/sources/csv.hpp"
#include "data/volumes/volume_file.hpp"

namespace crossfade::data {
namespace {

namespace fs = std::filesystem;

/// Numbers of columns.
struct Columns {
  std::size_t subject = 0;
  std::vector<std::size_t> images;
  std::optional<std::size_t> labels, automatic_labels, part, person;
  std::vector<std::string> unused;  // their names
};

bool is_image_column(std::string_view name) {
  if (!name.starts_with("image")) return false;
  const std::string_view rest = name.substr(5);
  return rest.starts_with('_') || std::ranges::all_of(rest, [](unsigned char c) { return std::isdigit(c) != 0; });
}

std::string names_of(const CsvRow& header) {
  std::string names;
  for (const std::string& name : header.fields) names += (names.empty() ? "'" : ", '") + name + "'";
  return names;
}

Columns columns_of(const fs::path& table, const CsvRow& header) {
  Columns columns;
  std::set<std::string> seen;
  std::optional<std::size_t> subject;
  const std::map<std::string, std::optional<std::size_t>*> single = {{"subject", &subject},
                                                                     {"labels", &columns.labels},
                                                                     {"automatic_labels", &columns.automatic_labels},
                                                                     {"part", &columns.part},
                                                                     {"person", &columns.person}};
  for (std::size_t c = 0; c < header.fields.size(); ++c) {
    const std::string& name = header.fields[c];
    const auto known = single.find(name);
    if (known == single.end() && !is_image_column(name)) {
      columns.unused.push_back(name);
      continue;
    }
    if (!seen.insert(name).second)
      fail(table, "line " + std::to_string(header.line) + ": column " + name + " is there twice, expected each once");
    if (known != single.end())
      *known->second = c;
    else
      columns.images.push_back(c);
  }
  if (!subject) fail(table, "has no column subject, but " + names_of(header));
  if (columns.images.empty() && !columns.labels && !columns.automatic_labels)
    fail(table, "has no column image, labels or automatic_labels, but " + names_of(header));
  columns.subject = *subject;
  return columns;
}

class SubjectTable {
 public:
  explicit SubjectTable(const fs::path& table)
      : table_(table), rows_(read_csv(table)), columns_(columns_of(table, rows_.front())) {}

  SubjectList read() {
    for (auto row = rows_.begin() + 1; row != rows_.end(); ++row) add(*row);
    list_.unused = columns_.unused;
    return std::move(list_);
  }

 private:
  void add(const CsvRow& row) {
    ListedSubject subject;
    subject.name = row.fields[columns_.subject];
    if (const std::string fault = subject_name_fault(subject.name); !fault.empty()) refuse(row, "subject", fault);
    if (const auto [twin, is_new] = line_of_subject_.emplace(subject.name, row.line); !is_new)
      refuse(row, "subject", "'" + subject.name + "' is there already, in line " + std::to_string(twin->second));
    subject.person = text_in(row, columns_.person);
    if (subject.person.empty()) subject.person = subject.name;
    subject.part = part_in(row);
    if (const std::string lacking = empty_files(row); !lacking.empty()) {
      list_.left_out.push_back(subject.name + ": " + lacking + " is empty in line " + std::to_string(row.line));
      return;
    }
    for (const std::size_t column : columns_.images) subject.images.push_back(file_in(row, column));
    if (columns_.labels) subject.labels = file_in(row, *columns_.labels);
    if (columns_.automatic_labels) subject.automatic_labels = file_in(row, *columns_.automatic_labels);
    require_one_part(subject, row);
    list_.subjects.push_back(std::move(subject));
  }

  std::string name_of(std::size_t column) const { return rows_.front().fields[column]; }

  static std::string text_in(const CsvRow& row, const std::optional<std::size_t>& column) {
    return column ? row.fields[*column] : std::string();
  }

  std::string part_in(const CsvRow& row) {
    std::string part = text_in(row, columns_.part);
    if (!part.empty() && part != "train" && part != "validation" && part != "test")
      refuse(row, "part", "'" + part + "' is none, expected train, validation, test or nothing");
    const CsvRow& first = rows_[1];
    if (part.empty() != text_in(first, columns_.part).empty())
      refuse(row, "part",
             std::string(part.empty() ? "is empty" : "says " + part) + ", but in line " + std::to_string(first.line) +
                 (part.empty() ? " it says " + text_in(first, columns_.part) : std::string(" it is empty")) +
                 ", expected one in every row or in none");
    return part;
  }

  /// Names of the columns of files that are empty in a row.
  std::string empty_files(const CsvRow& row) const {
    std::vector<std::size_t> columns = columns_.images;
    for (const auto& labels : {columns_.labels, columns_.automatic_labels})
      if (labels) columns.push_back(*labels);
    std::string names;
    for (const std::size_t column : columns)
      if (row.fields[column].empty()) names += (names.empty() ? "" : ", ") + name_of(column);
    return names;
  }

  fs::path file_in(const CsvRow& row, std::size_t column) const {
    fs::path file = (table_.parent_path() / row.fields[column]).lexically_normal();
    try {
      require_file(file);
    } catch (const std::runtime_error& error) {
      refuse(row, name_of(column), error.what());
    }
    return file;
  }

  /// A person in two parts would be trained on and tested.
  void require_one_part(const ListedSubject& subject, const CsvRow& row) {
    const auto [first, is_new] = row_of_person_.emplace(subject.person, &row);
    const std::string other = text_in(*first->second, columns_.part);
    if (other != subject.part)
      refuse(row, "part",
             "person '" + subject.person + "' is in " + subject.part + ", but in line " +
                 std::to_string(first->second->line) + " in " + other + ", expected one part a person");
  }

  [[noreturn]] void refuse(const CsvRow& row, const std::string& column, const std::string& what) const {
    fail(table_, "line " + std::to_string(row.line) + ", column " + column + ": " + what);
  }

  const fs::path& table_;
  std::vector<CsvRow> rows_;
  Columns columns_;
  SubjectList list_;
  std::map<std::string, std::size_t> line_of_subject_;
  std::map<std::string, const CsvRow*> row_of_person_;
};

}  // namespace

SubjectList read_subject_table(const fs::path& table) {
  SubjectList list = SubjectTable(table).read();
  finish(list, table);
  return list;
}

}  // namespace crossfade::data
