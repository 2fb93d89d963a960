#include "runner/trial/stage_net.hpp"

#include "runner/ranks/agreement.hpp"
#include "runner/trial/checkpoint.hpp"
#include "runner/trial/trainer.hpp"

namespace crossfade::runner {

namespace fs = std::filesystem;

fs::path stage_folder(const fs::path& checkpoints, const std::string& hash) {
  return checkpoints / hash.substr(0, 16);
}

fs::path best_file(const fs::path& checkpoints, const std::string& hash) {
  return stage_folder(checkpoints, hash) / "best.safetensors";
}

std::shared_ptr<model::Network> network_of(const TrialConfig& config, const data::ShardInfo& data,
                                           torch::Device device) {
  auto network = model::make_network(config.model, data.channel_count(), data.classes.count(), config.seed);
  network->set_precision(config.precision);
  place_network(*network, device);
  return network;
}

void broadcast(const model::Network& network, Group& group) {
  for (const torch::Tensor& tensor : network.parameters()) group.broadcast(tensor);
  for (const torch::Tensor& tensor : network.buffers()) group.broadcast(tensor);
}

std::optional<Position> restore_best(const fs::path& checkpoints, const std::string& hash, model::Network& network,
                                     Group& group) {
  std::string position;
  together(group.ranks(), [&] {
    const fs::path file = best_file(checkpoints, hash);
    if (group.rank() != 0 || !fs::exists(file)) return;
    const TensorFile contents = read_tensors(file);
    restore_network(contents, network);
    position = contents.text("position");
  });
  position = group.ranks().broadcast(position, 0);
  if (position.empty()) return std::nullopt;
  broadcast(network, group);
  return position_from_json(position);
}

}  // namespace crossfade::runner
