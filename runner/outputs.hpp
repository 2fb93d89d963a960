// What a finished grid leaves beside its database.
#pragma once

#include <filesystem>
#include <string>

namespace crossfade::runner {

/// Writes table1.{txt,md,csv,json,tex} and figure1.{svg,png,pdf,csv} into `folder` and prints the table on standard
/// output. A figure that can't be drawn is a warning: the results are in the database all the same.
void write_outputs(const std::filesystem::path& database, const std::filesystem::path& folder,
                   const std::string& study);

}  // namespace crossfade::runner
