#include "data/utf8.hpp"

#include <nlohmann/json.hpp>

namespace crossfade::data {

std::string valid_utf8(const std::string& bytes) {
  using nlohmann::json;
  return json::parse(json(bytes).dump(-1, ' ', false, json::error_handler_t::replace)).get<std::string>();
}

}  // namespace crossfade::data
