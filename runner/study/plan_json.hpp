// Plans of cohorts on their way from rank 0 to the others.
#pragma once

#include <nlohmann/json.hpp>

#include "runner/ranks/agreement.hpp"
#include "runner/study/cohorts.hpp"

namespace crossfade::data {

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Split, train, validation, test)

}  // namespace crossfade::data

namespace crossfade::runner {

// Found by argument-dependent lookup. The folder is a name yet.
inline void to_json(nlohmann::json& value, const CohortPlan& plan) {
  value = {{"folder", plan.folder.string()}, {"splits", plan.splits}, {"persons", plan.persons}};
}
inline void from_json(const nlohmann::json& value, CohortPlan& plan) {
  plan.folder = value.at("folder").get<std::string>();
  value.at("splits").get_to(plan.splits);
  value.at("persons").get_to(plan.persons);
}

/// `make` on rank 0, and what it made on all ranks. CBOR rather than text: names of subjects may be of any bytes.
template <class Value, class Make>
Value from_root(Communicator& ranks, const Make& make) {
  const std::string bytes = on_root(ranks, [&] {
    const auto cbor = nlohmann::json::to_cbor(Value(make()));
    return std::string(cbor.begin(), cbor.end());
  });
  return nlohmann::json::from_cbor(bytes).get<Value>();
}

}  // namespace crossfade::runner
