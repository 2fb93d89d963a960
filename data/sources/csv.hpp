// Tables of text as spreadsheets write them: RFC 4180.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

namespace crossfade::data {

struct CsvRow {
  std::size_t line;  // where it begins in the file, from 1
  std::vector<std::string> fields;
};

/// The rows of a UTF-8 file, the header first; all have as many fields as it. Fields are separated by what stands in
/// the header outside quotes: a tab, else a semicolon, else a comma. Quoted fields may hold separators, line ends and
/// doubled quotes. Line ends are LF, CR LF or CR; empty lines are passed over, blanks around fields belong to them.
/// Throws std::runtime_error naming file and line for a row of another length, for quotes that are not closed or stand
/// where they mean nothing, for a file without a header, in UTF-16, or that cannot be read.
std::vector<CsvRow> read_csv(const std::filesystem::path& file);

}  // namespace crossfade::data
