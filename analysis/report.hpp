// Tables as a person or a program reads them.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "analysis/dice.hpp"

namespace crossfade::analysis {

/// "text", "markdown", "csv", "json", "latex".
const std::vector<std::string>& report_formats();

/// Table 1 of the latest study in the database (or the one named), from the view table1. Throws std::runtime_error
/// where the file has no study, or not that one (listing what there is); std::invalid_argument for an unknown format.
std::string render_table1(const std::filesystem::path& database, const std::string& format,
                          const std::string& study = {});

/// The 27 structures of one variant ranked by what fine-tuning gained, with corrected p; in a study without a
/// fine-tuned stage by their Dice. `variant` and errors as in plot_figure2, formats as above. csv has the columns
/// structure, subjects, pretrained_dice, finetuned_dice, difference, p, p_holm.
std::string render_structures(const std::filesystem::path& database, const std::string& format,
                              const std::string& study = {}, const std::string& variant = {});

/// Dice per subject and structure with means, for `runner evaluate`. Formats: text, csv, json. csv has the columns
/// subject, structure, dice and leaves the cell of an undefined Dice empty.
std::string render_scores(const std::vector<SubjectCounts>& subjects, const std::string& format);

}  // namespace crossfade::analysis
