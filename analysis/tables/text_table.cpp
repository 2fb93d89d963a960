#include "analysis/tables/text_table.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <map>
#include <utility>

#include "data/utf8.hpp"

namespace crossfade::analysis {
namespace {

std::string padded(const std::string& cell, std::size_t to, bool right) {
  const std::string spaces(to - std::min(to, width(cell)), ' ');
  return right ? spaces + cell : cell + spaces;
}

std::string replaced(const std::string& text, const std::map<char, std::string>& by) {
  std::string out;
  for (const char c : text) {
    const auto found = by.find(c);
    if (found == by.end())
      out += c;
    else
      out += found->second;
  }
  return out;
}

void replace_all(std::string& text, const std::string& from, const std::string& to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
    text.replace(at, from.size(), to);
}

}  // namespace

std::size_t width(const std::string& text) {
  std::size_t columns = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if ((c & 0xC0) == 0x80) continue;  // a later byte of a character
    // U+0300 to U+036F, the combining marks: CC 80 to CD AF
    const auto next = i + 1 < text.size() ? static_cast<unsigned char>(text[i + 1]) : 0;
    if (c == 0xCC || (c == 0xCD && next < 0xB0)) continue;
    ++columns;
  }
  return columns;
}

std::string one_line(std::string text) {
  for (char& c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = ' ';
  return text;
}

std::vector<std::string> wrapped(const std::string& text, std::size_t columns) {
  std::vector<std::string> lines;
  std::string line, word;
  for (const char c : one_line(text) + ' ') {
    if (c != ' ') {
      word += c;
      continue;
    }
    if (word.empty()) continue;
    if (!line.empty() && width(line) + 1 + width(word) > columns) lines.push_back(std::exchange(line, {}));
    line += (line.empty() ? "" : " ") + std::exchange(word, {});
  }
  if (!line.empty()) lines.push_back(line);
  return lines;
}

std::string fixed(double value, int digits) {
  char buffer[64];
  const auto end = std::to_chars(std::begin(buffer), std::end(buffer), value, std::chars_format::fixed, digits).ptr;
  return {buffer, end};
}

std::string exact(double value) {
  if (!std::isfinite(value)) return {};
  char buffer[64];
  return {buffer, std::to_chars(std::begin(buffer), std::end(buffer), value).ptr};
}

std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  return '"' + replaced(text, {{'"', "\"\""}}) + '"';
}

std::string grouped(std::int64_t number) {
  std::string digits = std::to_string(number);
  const std::int64_t first = number < 0 ? 1 : 0;
  for (auto at = static_cast<std::int64_t>(digits.size()) - 3; at > first; at -= 3)
    digits.insert(static_cast<std::size_t>(at), ",");
  return digits;
}

std::string seed_and_fold(std::int64_t seed, int fold) {
  return "seed " + std::to_string(seed) + (fold > 0 ? ", fold " + std::to_string(fold) : "");
}

/// A hyphen before a number that stands for itself is a minus sign.
std::string with_minus_signs(const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool begins = i == 0 || text[i - 1] == ' ' || text[i - 1] == '(';
    const bool is_number = i + 1 < text.size() && std::isdigit(static_cast<unsigned char>(text[i + 1])) != 0;
    out += text[i] == '-' && begins && is_number ? "$-$" : std::string(1, text[i]);
  }
  return out;
}

std::string latex_escaped(const std::string& text) {
  std::string out = replaced(one_line(text), {{'\\', "\\textbackslash{}"},
                                              {'{', "\\{"},
                                              {'}', "\\}"},
                                              {'$', "\\$"},
                                              {'&', "\\&"},
                                              {'#', "\\#"},
                                              {'%', "\\%"},
                                              {'_', "\\_"},
                                              {'^', "\\textasciicircum{}"},
                                              {'~', "\\textasciitilde{}"},
                                              {'<', "\\textless{}"},
                                              {'>', "\\textgreater{}"},
                                              {'"', "\\textquotedbl{}"}});
  replace_all(out, "-\\textgreater{}", "$\\rightarrow$");
  replace_all(out, "→", "$\\rightarrow$");
  replace_all(out, "±", "$\\pm$");
  return with_minus_signs(out);
}

std::string markdown_escaped(const std::string& text) {
  return replaced(one_line(text), {{'\\', "\\\\"},
                                   {'|', "\\|"},
                                   {'*', "\\*"},
                                   {'_', "\\_"},
                                   {'`', "\\`"},
                                   {'[', "\\["},
                                   {']', "\\]"},
                                   {'<', "&lt;"}});
}

std::string as_text(const TextTable& table) {
  std::vector<std::size_t> widths;
  for (std::size_t c = 0; c < table.columns.size(); ++c) {
    widths.push_back(width(one_line(table.columns[c].title)));
    for (const auto& row : table.rows) widths[c] = std::max(widths[c], width(one_line(row[c])));
  }
  const auto line = [&](auto cell_of) {
    std::string out;
    for (std::size_t c = 0; c < widths.size(); ++c)
      out += (c == 0 ? "" : "  ") + padded(one_line(cell_of(c)), widths[c], table.columns[c].right);
    return out.substr(0, out.find_last_not_of(' ') + 1) + '\n';
  };
  std::string out = line([&](std::size_t c) { return table.columns[c].title; });
  for (std::size_t c = 0; c < widths.size(); ++c) {
    out += c == 0 ? "" : "  ";
    for (std::size_t i = 0; i < widths[c]; ++i) out += "─";
  }
  out += '\n';
  for (const auto& row : table.rows) out += line([&](std::size_t c) { return row[c]; });
  return out;
}

std::string as_markdown(const TextTable& table) {
  std::string titles = "|", rule = "|", body;
  for (const TextColumn& column : table.columns) {
    titles += ' ' + markdown_escaped(column.title) + " |";
    rule += column.right ? " ---: |" : " --- |";
  }
  for (const auto& row : table.rows) {
    body += '|';
    for (const auto& cell : row) body += ' ' + markdown_escaped(cell) + " |";
    body += '\n';
  }
  return titles + '\n' + rule + '\n' + body;
}

std::string xml_escaped(const std::string& text) {
  std::string out;
  for (const char c : one_line(data::valid_utf8(text))) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string as_html(const TextTable& table) {
  const auto cell = [&](const char* name, std::size_t c, const char* scope, const std::string& text) {
    const bool is_heading = *scope != 0;
    return std::string("<") + name + (is_heading ? std::string(" scope=\"") + scope + "\"" : "") +
           (table.columns[c].right ? " class=\"right\"" : "") + ">" + xml_escaped(text) + "</" + name + ">";
  };
  std::string out = "<table>\n<thead><tr>";
  for (std::size_t c = 0; c < table.columns.size(); ++c) out += cell("th", c, "col", table.columns[c].title);
  out += "</tr></thead>\n<tbody>\n";
  for (const auto& row : table.rows) {
    out += "<tr>";
    for (std::size_t c = 0; c < row.size(); ++c)
      out += c == 0 ? cell("th", c, "row", row[c]) : cell("td", c, "", row[c]);
    out += "</tr>\n";
  }
  return out + "</tbody>\n</table>\n";
}

std::string as_csv(const TextTable& table) {
  std::string out;
  const auto line = [&](auto field_of) {
    for (std::size_t c = 0; c < table.columns.size(); ++c) out += (c == 0 ? "" : ",") + csv_field(field_of(c));
    out += '\n';
  };
  line([&](std::size_t c) { return table.columns[c].title; });
  for (const auto& row : table.rows) line([&](std::size_t c) { return row[c]; });
  return out;
}

namespace {

template <class CellOf>
std::string latex_row(const TextTable& table, CellOf cell_of) {
  std::string out = "  ";
  for (std::size_t c = 0; c < table.columns.size(); ++c) out += (c == 0 ? "" : " & ") + latex_escaped(cell_of(c));
  return out + " \\\\\n";
}

std::string latex_titles(const TextTable& table) {
  return "  \\toprule\n" + latex_row(table, [&](std::size_t c) { return table.columns[c].title; }) + "  \\midrule\n";
}

std::string latex_rows(const TextTable& table) {
  std::string out;
  for (const auto& row : table.rows) out += latex_row(table, [&](std::size_t c) { return row[c]; });
  return out;
}

std::string latex_alignment(const TextTable& table) {
  std::string out;
  for (const TextColumn& column : table.columns) out += column.right ? 'r' : 'l';
  return out;
}

}  // namespace

std::string as_latex_tabular(const TextTable& table) {
  return "\\begin{tabular}{" + latex_alignment(table) + "}\n" + latex_titles(table) + latex_rows(table) +
         "  \\bottomrule\n\\end{tabular}\n";
}

std::string as_latex_longtable(const TextTable& table, const std::string& caption) {
  return "\\begin{longtable}{" + latex_alignment(table) + "}\n" + latex_titles(table) +
         "  \\endhead\n  \\bottomrule\n  \\endfoot\n  \\bottomrule\n  \\caption{" + caption + "}\n  \\endlastfoot\n" +
         latex_rows(table) + "\\end{longtable}\n";
}

}  // namespace crossfade::analysis
