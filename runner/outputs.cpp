#include "runner/outputs.hpp"

#include <fstream>
#include <iostream>
#include <map>
#include <stdexcept>

#include "analysis/figure1.hpp"
#include "analysis/report.hpp"
#include "runner/log.hpp"

namespace crossfade::runner {

void write_outputs(const std::filesystem::path& database, const std::filesystem::path& folder,
                   const std::string& study) {
  const std::map<std::string, std::string> endings = {
      {"text", "txt"}, {"markdown", "md"}, {"csv", "csv"}, {"json", "json"}, {"latex", "tex"}};
  for (const std::string& format : analysis::report_formats()) {
    const std::filesystem::path file = folder / ("table1." + endings.at(format));
    std::ofstream out(file);
    out << analysis::render_table1({database}, format, study);
    if (!out.flush()) throw std::runtime_error("cannot write " + file.string());
  }
  std::cout << analysis::render_table1({database}, "text", study) << std::flush;
  try {
    for (const auto& file : analysis::plot_figure1({database}, folder / "figure1", study))
      log_info("wrote " + file.string());
  } catch (const std::exception& error) {
    log_warning(std::string("no figure 1: ") + error.what());
  }
}

}  // namespace crossfade::runner
