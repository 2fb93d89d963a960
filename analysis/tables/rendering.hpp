// A report in each of its formats. Private to analysis/.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "analysis/scores/statistics.hpp"
#include "analysis/tables/text_table.hpp"

namespace crossfade::analysis {

struct Report {
  TextTable table;                 // as a person reads it: text, markdown, latex
  std::vector<std::string> notes;  // sentences under it; the caption in LaTeX
  TextTable exact;                 // csv: names of columns, numbers in full
  nlohmann::ordered_json json;     // a number that is none prints as null
};

/// The report in each of `formats`. Text: the table and its notes, wrapped at its width, but not below 80. Markdown: a
/// line a note. LaTeX: a float with the notes as caption, or a longtable where it is longer than a page. `make` is
/// called once, after the check of the formats. Throws std::invalid_argument for one that isn't of report_formats().
std::vector<std::string> render(const std::vector<std::string>& formats, const std::function<Report()>& make);

/// The `exact` table of rows that are objects of strings, numbers and null: a cell is empty where there is no number.
/// `columns` empty: the keys of the first row.
TextTable in_full(const nlohmann::ordered_json& rows, std::vector<std::string> columns = {});

/// "Study NAME: CAPTION."
std::string study_note(const std::string& name, const std::string& caption);

/// The title of a column of Table 1: role pretrained or finetuned.
std::string column_title(const std::string& role);

/// A p value as tables print it: 4 digits, "< 0.0001", "–" where there is none.
std::string p_digits(double p);
/// A difference with its sign, 4 digits; "–" where there is none.
std::string signed_digits(double difference);
/// "LOW to HIGH", signed; "–" where there is none.
std::string interval_digits(const Interval& interval);

/// What a test over the anatomies of several folds has to say of itself.
std::string folds_note(int folds);

}  // namespace crossfade::analysis
