// Which files belong to which case of an nnU-Net or Decathlon data set.
#pragma once

#include <cstddef>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "data/sources/subject_list.hpp"

namespace crossfade::data {

/// Cases of `folder`, whose dataset.json is `dataset` and says `channels` channels, in no order, with those that lack a
/// file in left_out. read_nnunet() says what is read and thrown. Of the layout of nnU-Net 2:
SubjectList nnunet2_cases(const std::filesystem::path& folder, const nlohmann::json& dataset, std::size_t channels);

/// Of the layouts of the Decathlon and of nnU-Net 1, case by case.
SubjectList decathlon_cases(const std::filesystem::path& folder, const nlohmann::json& dataset, std::size_t channels);

}  // namespace crossfade::data
