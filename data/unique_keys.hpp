// JSON texts in which no key stands twice.
#pragma once

#include <set>
#include <stdexcept>
#include <string>
#include <vector>

namespace crossfade::data {

/// For the second argument of Json::parse, which else keeps one of the two without a word. What it parses throws
/// std::invalid_argument naming a key that an object has twice.
template <class Json>
typename Json::parser_callback_t unique_keys() {
  return
      [objects = std::vector<std::set<std::string>>()](int, typename Json::parse_event_t event, Json& parsed) mutable {
        using Event = typename Json::parse_event_t;
        if (event == Event::object_start) objects.emplace_back();
        if (event == Event::object_end) objects.pop_back();
        if (event == Event::key)
          if (const auto name = parsed.template get<std::string>(); !objects.back().insert(name).second)
            throw std::invalid_argument("key '" + name + "' is there twice, expected it once");
        return true;
      };
}

}  // namespace crossfade::data
