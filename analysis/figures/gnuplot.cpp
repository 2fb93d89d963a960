#include "analysis/figures/gnuplot.hpp"

#include <cctype>
#include <cstdio>
#include <sstream>
#include <stdexcept>

#include "analysis/tables/text_table.hpp"
#include "data/program.hpp"

namespace crossfade::analysis {
namespace {

/// Gnuplot's words in one line, without the command that it repeats before them and the caret below that.
std::string complaint(const std::string& said) {
  std::istringstream in(said);
  std::string out;
  for (std::string line; std::getline(in, line);) {
    const std::size_t first = line.find_first_not_of(" \t");
    if (first == std::string::npos || line.starts_with("gnuplot>") || line.substr(first) == "^") continue;
    out += (out.empty() ? "" : "; ") + line.substr(first);
  }
  return one_line(out);
}

}  // namespace

std::string gnuplot_quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : one_line(text)) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalpha(byte) != 0 || c == ' ') {
      out += c;
    } else {
      char octal[8];
      std::snprintf(octal, sizeof octal, "\\%03o", static_cast<unsigned>(byte));
      out += octal;
    }
  }
  return out + '"';
}

void run_gnuplot(const std::string& script) {
  const data::Ending ending = data::run_program(
      {.words = {"gnuplot", "-d"}, .package = "gnuplot-nox", .input = script});  // -d: no start-up file
  if (!ending.failure.empty())
    throw std::runtime_error("gnuplot failed (" + ending.failure + "): " + complaint(ending.output));
}

}  // namespace crossfade::analysis
