#include "analysis/tables/paper_table1.hpp"

#include <array>
#include <charconv>
#include <map>
#include <sstream>

namespace crossfade::analysis {
namespace {

using Cell = nlohmann::ordered_json;
constexpr std::array kColumns = {"paper_pretrained_dice", "paper_pretrained_sd", "paper_finetuned_dice",
                                 "paper_finetuned_sd"};
using Cells = std::array<Cell, kColumns.size()>;

Cell cell(const std::string& field) {
  if (field.empty()) return nullptr;
  double number = 0;
  const auto* const end = field.data() + field.size();
  if (std::from_chars(field.data(), end, number).ptr == end) return number;
  return field;
}

/// By variant. Each line of the file is its name in quotes and a field a column.
std::map<std::string, Cells> paper_rows() {
  std::map<std::string, Cells> rows;
  std::istringstream in(kPaperTable1);
  std::string line;
  std::getline(in, line);  // titles
  while (std::getline(in, line)) {
    const std::size_t end = line.find('"', 1);
    Cells& cells = rows[line.substr(1, end - 1)];
    std::istringstream fields(line.substr(end + 2));
    std::string field;
    for (Cell& of_column : cells) of_column = std::getline(fields, field, ',') ? cell(field) : nullptr;
  }
  return rows;
}

}  // namespace

void add_paper(Table1& table) {
  const auto rows = paper_rows();
  table.columns.insert(table.columns.end(), kColumns.begin(), kColumns.end());
  for (auto& row : table.rows) {
    const auto found = rows.find(row.at("variant").get<std::string>());
    for (std::size_t c = 0; c < kColumns.size(); ++c)
      row[kColumns[c]] = found == rows.end() ? Cell() : found->second[c];
  }
}

}  // namespace crossfade::analysis
