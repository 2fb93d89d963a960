#include "runner/study/messages.hpp"

#include <nlohmann/json.hpp>

#include "runner/trial/record_json.hpp"

namespace crossfade::runner {

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(TrialProgress, stage, epoch, epochs, step, steps, loss, dice, images_per_second,
                                   gradient_norm, learning_rate)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Warning, text)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Step, trial, progress)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Epoch, trial, progress, record)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Stage, trial, result)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(BranchMet, trial, key, outcome)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Ended, trial, ending, error)
static void to_json(nlohmann::json& json, const NextTrial&) {
  json = nullptr;
}
static void from_json(const nlohmann::json&, NextTrial&) {}

namespace {

template <std::size_t I = 0>
Message decode_alternative(std::size_t index, const nlohmann::json& body) {
  if constexpr (I < std::variant_size_v<Message>) {
    if (index == I) return body.get<std::variant_alternative_t<I, Message>>();
    return decode_alternative<I + 1>(index, body);
  }
  throw std::runtime_error("a message of an unknown kind arrived");
}

}  // namespace

// CBOR rather than text: it carries losses that are not finite.
std::string encode(const Message& message) {
  nlohmann::json body;
  std::visit([&](const auto& m) { body = m; }, message);
  const auto bytes = nlohmann::json::to_cbor(nlohmann::json::array({message.index(), std::move(body)}));
  return {bytes.begin(), bytes.end()};
}

Message decode(const std::string& bytes) {
  const auto json = nlohmann::json::from_cbor(bytes);
  return decode_alternative(json.at(0).get<std::size_t>(), json.at(1));
}

}  // namespace crossfade::runner
