#include "runner/process/log.hpp"

#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <stdexcept>
#include <vector>

namespace crossfade::runner {

void start_log(bool speaks, const std::filesystem::path& file) {
  std::vector<spdlog::sink_ptr> sinks;
  if (speaks) {
    sinks.push_back(std::make_shared<spdlog::sinks::stderr_sink_mt>());
    sinks.back()->set_pattern("[%T] %v");
    if (!file.empty()) {
      try {
        sinks.push_back(std::make_shared<spdlog::sinks::basic_file_sink_mt>(file.string()));
      } catch (const spdlog::spdlog_ex& error) {
        throw std::runtime_error("cannot open the log file " + file.string() + ": " + error.what());
      }
      sinks.back()->set_pattern("%Y-%m-%d %T %l %v");
    }
  }
  auto logger = std::make_shared<spdlog::logger>("crossfade", sinks.begin(), sinks.end());
  logger->flush_on(spdlog::level::info);
  spdlog::set_default_logger(std::move(logger));
}

// Messages are data, never format strings: a brace in a file name must not be read as one.
void log_info(const std::string& message) {
  spdlog::default_logger_raw()->log(spdlog::level::info, message);
}
void log_warning(const std::string& message) {
  spdlog::default_logger_raw()->log(spdlog::level::warn, "warning: " + message);
}
void log_error(const std::string& message) {
  spdlog::default_logger_raw()->log(spdlog::level::err, "error: " + message);
}

}  // namespace crossfade::runner
