#include "data/sources/nnunet_json.hpp"

#include <fstream>

#include "data/unique_keys.hpp"
#include "data/volumes/volume_file.hpp"

namespace crossfade::data {

namespace fs = std::filesystem;
using nlohmann::json;

json read_json(const fs::path& file) {
  require_file(file);
  std::ifstream in(file);
  if (!in) fail(file, "cannot be read");
  try {
    return json::parse(in, unique_keys<json>());
  } catch (const json::parse_error& error) {
    const std::string said = error.what();  // "[..] parse error at line 1, column 12: .."
    const std::size_t at = said.find("at line "), end = said.find(':', at);
    fail(file, "is no JSON" + (at == std::string::npos ? "" : ", " + said.substr(at, end - at)));
  } catch (const std::invalid_argument& error) {
    fail(file, error.what());
  }
}

void refuse_key(const fs::path& file, const std::string& key, const std::string& what) {
  fail(file, key + " " + what);
}

const json& member_of(const fs::path& file, const json& of, const std::string& key, const std::string& name,
                      json::value_t type) {
  const std::string expected = std::string("expected ") + (type == json::value_t::array    ? "a list"
                                                           : type == json::value_t::object ? "an object"
                                                                                           : "a text");
  if (!of.is_object())
    refuse_key(file, key.empty() ? "as a whole" : key, "is " + excerpt_of(of) + ", expected an object");
  const std::string full = key.empty() ? name : key + "." + name;
  const auto found = of.find(name);
  if (found == of.end()) refuse_key(file, full, "is not there, " + expected);
  if (found->type() != type) refuse_key(file, full, "is " + excerpt_of(*found) + ", " + expected);
  return *found;
}

std::string excerpt_of(const json& value) {
  constexpr std::size_t kMost = 60;
  const std::string text = value.dump();
  return text.size() <= kMost ? text : text.substr(0, kMost) + "...";
}

}  // namespace crossfade::data
