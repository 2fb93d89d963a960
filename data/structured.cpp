#include "data/structured.hpp"

#include <nlohmann/json.hpp>
#include <stdexcept>

namespace crossfade::data {

std::vector<std::string> listed_texts(const std::string& text) {
  if (!text.starts_with('[')) return {text};
  try {
    return nlohmann::json::parse(text).get<std::vector<std::string>>();
  } catch (const nlohmann::json::exception&) {
    throw std::invalid_argument("'" + text + "' is no list of texts, expected [\"ONE\", \"OTHER\"]");
  }
}

}  // namespace crossfade::data
