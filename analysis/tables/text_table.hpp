// Tables of strings as text, Markdown, LaTeX, HTML and CSV. Private to analysis/.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace crossfade::analysis {

struct TextColumn {
  std::string title;
  bool right = false;  // alignment of cells
};

struct TextTable {
  std::vector<TextColumn> columns;
  std::vector<std::vector<std::string>> rows;  // a cell a column; UTF-8
};

/// Aligned by characters, columns two spaces apart, a rule under the titles.
std::string as_text(const TextTable& table);
/// A GitHub table; characters that mean something in Markdown are escaped.
std::string as_markdown(const TextTable& table);
/// The rows between \toprule and \bottomrule of booktabs, escaped, in a tabular; no float around it.
std::string as_latex_tabular(const TextTable& table);
/// The same over several pages, by the package longtable, with the titles on each and the caption, as LaTeX, at its
/// end.
std::string as_latex_longtable(const TextTable& table, const std::string& caption);

/// A file of comma-separated values (RFC 4180, lines ended by LF), titles first.
std::string as_csv(const TextTable& table);

/// A table of HTML with the titles in its head, the first cell of each row a heading of it.
std::string as_html(const TextTable& table);

/// `text` for an element or an attribute of XML and HTML: markup escaped, what is no UTF-8 replaced, control characters
/// as spaces.
std::string xml_escaped(const std::string& text);
/// `text` so that LaTeX prints it: special characters escaped, "->" and "±" as symbols.
std::string latex_escaped(const std::string& text);
/// `text` so that Markdown prints it.
std::string markdown_escaped(const std::string& text);
/// A field of a CSV file (RFC 4180), in quotes where it needs them.
std::string csv_field(const std::string& text);
/// The shortest decimal that reads back as the same double; empty if it isn't finite.
std::string exact(double value);
/// `digits` decimals: fixed(0.76018, 4) = "0.7602".
std::string fixed(double value, int digits);
/// A whole number with commas between thousands: 1,944,124.
std::string grouped(std::int64_t number);
/// "seed 2", or "seed 2, fold 1": of studies with one fold that is 0.
std::string seed_and_fold(std::int64_t seed, int fold);
/// `text` with control characters (line breaks, tabs, escapes of a terminal) as spaces.
std::string one_line(std::string text);
/// `text` broken at spaces into lines of at most `columns`; a longer word has a line of its own.
std::vector<std::string> wrapped(const std::string& text, std::size_t columns);
/// Columns that `text` takes on a terminal: its UTF-8 characters, without combining marks.
std::size_t width(const std::string& text);

}  // namespace crossfade::analysis
