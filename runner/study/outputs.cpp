#include "runner/study/outputs.hpp"

#include <fstream>
#include <functional>
#include <iostream>
#include <map>
#include <stdexcept>

#include "analysis/figures/figure1.hpp"
#include "analysis/figures/figure2.hpp"
#include "analysis/figures/search_figure.hpp"
#include "analysis/page/study_page.hpp"
#include "analysis/tables/report.hpp"
#include "runner/process/log.hpp"

namespace crossfade::runner {
namespace {

namespace fs = std::filesystem;

/// `texts`: in the order of report_formats().
void write_formats(const fs::path& stem, const std::vector<std::string>& texts) {
  const std::map<std::string, std::string> endings = {
      {"text", "txt"}, {"markdown", "md"}, {"csv", "csv"}, {"json", "json"}, {"latex", "tex"}};
  for (std::size_t f = 0; f < texts.size(); ++f) {
    const fs::path file = stem.string() + "." + endings.at(analysis::report_formats()[f]);
    std::ofstream out(file);
    out << texts[f];
    if (!out.flush()) throw std::runtime_error("cannot write " + file.string());
  }
}

}  // namespace

void write_outputs(const fs::path& database, const fs::path& folder, const std::string& study,
                   const OutputParts& parts) {
  const std::vector<fs::path> databases = {database};
  const auto attempt = [](const std::string& what, const std::function<void()>& make) {
    try {
      make();
    } catch (const std::exception& error) {
      log_warning("no " + what + ": " + error.what());
    }
  };
  const auto attempt_figure = [&](const std::string& what, const auto& plot, const char* name) {
    attempt(what, [&] {
      for (const fs::path& file : plot(databases, folder / name, study)) log_info("wrote " + file.string());
    });
  };
  const std::vector<std::string>& formats = analysis::report_formats();
  const std::vector<std::string> table1 = analysis::render_table1(databases, formats, study);
  write_formats(folder / "table1", table1);
  std::cout << table1.front();  // text
  if (parts.claims) {
    const std::vector<std::string> of_claims = analysis::render_claims(databases, formats, study);
    write_formats(folder / "claims", of_claims);
    std::cout << '\n' << of_claims.front();
  }
  if (parts.search) {
    const std::vector<std::string> of_search = analysis::render_search(databases, formats, study);
    write_formats(folder / "search", of_search);
    std::cout << '\n' << of_search.front();
    attempt_figure("figure of the search", analysis::plot_search, "search-map");
  }
  std::cout << std::flush;
  attempt("table of structures",
          [&] { write_formats(folder / "structures", analysis::render_structures(databases, formats, study)); });
  attempt_figure("figure 1", analysis::plot_figure1, "figure1");
  const auto plot_figure2 = [](const auto&... of) { return analysis::plot_figure2(of...); };  // with its defaults
  attempt_figure("figure 2", plot_figure2, "figure2");
  attempt("page", [&] {
    const fs::path page = folder / "study.html";
    analysis::write_study_page(databases, page, study);
    log_info("wrote " + page.string());
  });
}

}  // namespace crossfade::runner
