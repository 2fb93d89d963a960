#include "data/sources/csv.hpp"

#include <fstream>
#include <iterator>
#include <string_view>

#include "data/volumes/volume_file.hpp"

namespace crossfade::data {
namespace {

namespace fs = std::filesystem;

std::string text_in(const fs::path& file) {
  require_file(file);
  std::ifstream in(file, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(in), {}};
  if (!in.is_open() || in.bad()) fail(file, "cannot be read");
  if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF")) fail(file, "is in UTF-16, expected UTF-8");
  if (text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);
  return text;
}

bool is_line_end(char letter) {
  return letter == '\n' || letter == '\r';
}

char separator_of(std::string_view text) {
  bool quoted = false, has_semicolon = false;
  for (const char letter : text) {
    if (letter == '"') quoted = !quoted;
    if (quoted) continue;
    if (letter == '\t') return '\t';
    if (is_line_end(letter)) break;
    has_semicolon = has_semicolon || letter == ';';
  }
  return has_semicolon ? ';' : ',';
}

class CsvReader {
 public:
  explicit CsvReader(const fs::path& file) : file_(file), text_(text_in(file)), separator_(separator_of(text_)) {}

  bool at_end() const { return at_ == text_.size(); }

  CsvRow row() {
    CsvRow row{line_, {}};
    row.fields.push_back(field());
    while (!at_end() && text_[at_] == separator_) {
      ++at_;
      row.fields.push_back(field());
    }
    if (!at_end()) take_line_end();
    return row;
  }

 private:
  std::string field() { return !at_end() && text_[at_] == '"' ? quoted_field() : plain_field(); }

  std::string plain_field() {
    const std::size_t begin = at_;
    while (!is_field_end()) {
      if (text_[at_] == '"')
        refuse(line_,
               "has a quote inside a field without quotes, expected the whole field in quotes, and \"\" for one");
      ++at_;
    }
    return text_.substr(begin, at_ - begin);
  }

  std::string quoted_field() {
    const std::size_t first_line = line_;
    std::string field;
    ++at_;
    for (;;) {
      if (at_end()) refuse(first_line, "has a quote that is not closed");
      if (text_[at_] == '"') {
        ++at_;
        if (is_field_end()) return field;
        if (text_[at_] != '"') refuse(line_, "has text behind a closing quote, expected a separator or the line's end");
        field += text_[at_++];
      } else if (is_line_end(text_[at_])) {
        const std::size_t begin = at_;
        take_line_end();
        field += text_.substr(begin, at_ - begin);
      } else {
        field += text_[at_++];
      }
    }
  }

  bool is_field_end() const { return at_end() || text_[at_] == separator_ || is_line_end(text_[at_]); }

  void take_line_end() {
    at_ += text_.compare(at_, 2, "\r\n") == 0 ? 2 : 1;
    ++line_;
  }

  [[noreturn]] void refuse(std::size_t line, const std::string& what) const {
    fail(file_, "line " + std::to_string(line) + " " + what);
  }

  const fs::path& file_;
  std::string text_;
  char separator_;
  std::size_t at_ = 0, line_ = 1;
};

bool is_blank(const CsvRow& row) {
  return row.fields.size() == 1 && row.fields.front().empty();
}

}  // namespace

std::vector<CsvRow> read_csv(const fs::path& file) {
  CsvReader reader(file);
  std::vector<CsvRow> rows;
  while (!reader.at_end()) {
    CsvRow row = reader.row();
    if (is_blank(row)) continue;
    if (!rows.empty() && row.fields.size() != rows.front().fields.size())
      fail(file, "line " + std::to_string(row.line) + " has " + std::to_string(row.fields.size()) +
                     " fields, expected " + std::to_string(rows.front().fields.size()) + " as in the header");
    rows.push_back(std::move(row));
  }
  if (rows.empty()) fail(file, "is empty, expected a header with the names of columns");
  return rows;
}

}  // namespace crossfade::data
