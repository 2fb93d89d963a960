#include "runner/study/outputs.hpp"

#include <fstream>
#include <functional>
#include <iostream>
#include <map>
#include <stdexcept>

#include "analysis/figures/figure1.hpp"
#include "analysis/figures/figure2.hpp"
#include "analysis/tables/report.hpp"
#include "runner/process/log.hpp"

namespace crossfade::runner {
namespace {

namespace fs = std::filesystem;
using Render = std::function<std::string(const std::string& format)>;

void write_formats(const fs::path& stem, const Render& render) {
  const std::map<std::string, std::string> endings = {
      {"text", "txt"}, {"markdown", "md"}, {"csv", "csv"}, {"json", "json"}, {"latex", "tex"}};
  for (const std::string& format : analysis::report_formats()) {
    const fs::path file = stem.string() + "." + endings.at(format);
    std::ofstream out(file);
    out << render(format);
    if (!out.flush()) throw std::runtime_error("cannot write " + file.string());
  }
}

}  // namespace

void write_outputs(const fs::path& database, const fs::path& folder, const std::string& study, bool claims) {
  const std::vector<fs::path> databases = {database};
  const auto attempt = [](const std::string& what, const std::function<void()>& make) {
    try {
      make();
    } catch (const std::exception& error) {
      log_warning("no " + what + ": " + error.what());
    }
  };
  const Render table1 = [&](const std::string& format) { return analysis::render_table1(databases, format, study); };
  const Render of_claims = [&](const std::string& format) { return analysis::render_claims(databases, format, study); };
  write_formats(folder / "table1", table1);
  std::cout << table1("text");
  if (claims) {
    write_formats(folder / "claims", of_claims);
    std::cout << '\n' << of_claims("text");
  }
  std::cout << std::flush;
  attempt("table of structures", [&] {
    write_formats(folder / "structures",
                  [&](const std::string& format) { return analysis::render_structures(databases, format, study); });
  });
  attempt("figure 1", [&] {
    for (const auto& file : analysis::plot_figure1(databases, folder / "figure1", study))
      log_info("wrote " + file.string());
  });
  attempt("figure 2", [&] {
    for (const auto& file : analysis::plot_figure2(databases, folder / "figure2", study))
      log_info("wrote " + file.string());
  });
}

}  // namespace crossfade::runner
