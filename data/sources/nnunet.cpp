#include "data/sources/nnunet.hpp"

#include <charconv>
#include <map>
#include <optional>

#include "data/sources/nnunet_cases.hpp"
#include "data/sources/nnunet_folds.hpp"
#include "data/sources/nnunet_json.hpp"

namespace crossfade::data {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

std::optional<int> number_in(const std::string& text) {
  int number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || stop != end) return std::nullopt;
  return number;
}

/// {"0": "T1", "1": "FLAIR"} by number.
std::map<int, std::string> numbered_names(const fs::path& file, const json& dataset, const std::string& key) {
  std::map<int, std::string> names;
  for (const auto& [number, name] : member_of(file, dataset, "", key, json::value_t::object).items()) {
    const std::optional<int> n = number_in(number);
    if (!n || !name.is_string())
      refuse_key(file, key, "has \"" + number + "\": " + excerpt_of(name) + ", expected such as \"0\": \"NAME\"");
    if (!names.emplace(*n, name.get<std::string>()).second)
      refuse_key(file, key, "has " + std::to_string(*n) + " twice");
  }
  return names;
}

std::vector<std::string> channel_names(const fs::path& file, const json& dataset, const std::string& key) {
  const std::map<int, std::string> names = numbered_names(file, dataset, key);
  if (names.empty()) refuse_key(file, key, "is empty, expected at least one channel");
  std::vector<std::string> channels;
  for (const auto& [number, name] : names) {
    if (number != static_cast<int>(channels.size()))
      refuse_key(file, key, "has no \"" + std::to_string(channels.size()) + "\", expected channels numbered from 0 on");
    channels.push_back(name);
  }
  return channels;
}

/// Names by id, of labels {"tumour": 1}.
std::map<int, std::string> nnunet2_labels(const fs::path& file, const json& dataset) {
  if (const json& order = dataset.value("regions_class_order", json()); !order.empty())
    refuse_key(
        file, "regions_class_order",
        "is " + excerpt_of(order) + ": overlapping regions can't be trained, expected labels with one id a class");
  std::map<int, std::string> names;
  for (const auto& [name, id] : member_of(file, dataset, "", "labels", json::value_t::object).items()) {
    const std::string key = "labels." + name;
    if (id.is_array())
      refuse_key(file, key,
                 "is a region " + excerpt_of(id) +
                     ": overlapping regions can't be trained, expected labels with one id a class");
    const std::optional<int> n = number_in(id.is_string() ? id.get<std::string>() : id.dump());
    if (!n) refuse_key(file, key, "is " + excerpt_of(id) + ", expected an id, a whole number");
    if (const auto [other, is_new] = names.emplace(*n, name); !is_new)
      refuse_key(file, key, "has the id " + excerpt_of(id) + ", which " + other->second + " has already");
  }
  return names;
}

std::map<int, std::string> decathlon_labels(const fs::path& file, const json& dataset) {
  std::map<int, std::string> names = numbered_names(file, dataset, "labels");
  std::map<std::string, int> ids;
  for (const auto& [id, name] : names)
    if (const auto [other, is_new] = ids.emplace(name, id); !is_new)
      refuse_key(file, "labels",
                 "has '" + name + "' for " + std::to_string(other->second) + " and for " + std::to_string(id) +
                     ", expected each name once");
  return names;
}

OwnClasses classes_of(const fs::path& file, const std::map<int, std::string>& names, bool may_ignore) {
  nlohmann::ordered_json classes = nlohmann::ordered_json::object();
  OwnClasses own;
  for (const auto& [id, name] : names)
    if (may_ignore && name == "ignore")
      own.ignore = json::array({id}).dump();
    else
      classes[name] = id;
  own.classes = classes.dump();
  if (const std::string fault = own_label_table_fault(own); !fault.empty()) refuse_key(file, "labels:", fault);
  return own;
}

}  // namespace

NnunetDataset read_nnunet(const fs::path& folder, bool with_folds) {
  const fs::path file = folder / "dataset.json";
  const json dataset = read_json(file);
  if (!dataset.is_object()) refuse_key(file, "as a whole", "is " + excerpt_of(dataset) + ", expected an object");
  const bool is_nnunet2 = dataset.contains("channel_names");
  if (!is_nnunet2 && !(dataset.contains("modality") && dataset.contains("training")))
    refuse_key(file, "as a whole",
               "has neither channel_names (nnU-Net 2) nor modality and training (Decathlon, nnU-Net 1)");

  NnunetDataset read;
  read.channels = channel_names(file, dataset, is_nnunet2 ? "channel_names" : "modality");
  read.classes =
      classes_of(file, is_nnunet2 ? nnunet2_labels(file, dataset) : decathlon_labels(file, dataset), is_nnunet2);
  read.list = is_nnunet2 ? nnunet2_cases(folder, dataset, read.channels.size())
                         : decathlon_cases(folder, dataset, read.channels.size());
  finish(read.list, folder);
  if (with_folds) read.folds = read_nnunet_folds(folder / "splits_final.json", read.list);
  return read;
}

}  // namespace crossfade::data
