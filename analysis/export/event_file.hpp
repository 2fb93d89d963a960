// TensorBoard's event files: records of protocol buffers (TensorFlow's event.proto, summary.proto and the hparams
// plugin's api.proto), of which this writes the few messages that scalars and hyperparameters need. Private to
// analysis/.
#pragma once

#include <cstdint>
#include <fstream>
#include <map>
#include <string>
#include <variant>
#include <vector>

namespace crossfade::analysis {

using Hyperparameter = std::variant<double, bool, std::string>;

/// CRC-32C (Castagnoli), as RFC 3720 has it.
std::uint32_t crc32c(const std::string& bytes);

/// One file, in the order in which it is told.
class EventFile {
 public:
  /// Throws std::runtime_error where the file can't be written, as finish() does.
  explicit EventFile(const std::string& file, double wall_time);

  /// `wall_time` in seconds since 1970.
  void scalar(const std::string& tag, double wall_time, std::int64_t step, double value);

  /// What the trial was made with, and the tags of the scalars that it is judged by.
  void hyperparameters(double wall_time, const std::map<std::string, Hyperparameter>& values,
                       const std::vector<std::string>& metrics);

  /// The last call.
  void finish();

 private:
  void event(const std::string& content);

  std::string file_;
  std::ofstream out_;
};

}  // namespace crossfade::analysis
