// The folds that an nnU-Net data set brings: splits_final.json.
#pragma once

#include <filesystem>
#include <vector>

#include "data/sources/nnunet.hpp"

namespace crossfade::data {

/// Empty where `file` is not there. read_nnunet() says what is thrown.
std::vector<SourceFold> read_nnunet_folds(const std::filesystem::path& file, const SubjectList& list);

}  // namespace crossfade::data
