// Tables as a person or a program reads them.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "analysis/scores/dice.hpp"

namespace crossfade::analysis {

/// "text", "markdown", "csv", "json", "latex", in this order.
const std::vector<std::string>& report_formats();

/// Table 1 of the latest study in the database (or the one named), from the view table1. `databases`: one file, or
/// several that hold parts of one study, read as one; the latest study is that of the first, and each must have it.
/// `with_paper` puts the paper's own figures beside ours, in csv and json as columns paper_... . Throws
/// std::runtime_error where a file has no study, or not that one (listing what there is); std::invalid_argument for an
/// unknown format or no file.
std::string render_table1(const std::vector<std::filesystem::path>& databases, const std::string& format,
                          const std::string& study = {}, bool with_paper = false);
/// The same in each of `formats`, from one look at the databases.
std::vector<std::string> render_table1(const std::vector<std::filesystem::path>& databases,
                                       const std::vector<std::string>& formats, const std::string& study = {},
                                       bool with_paper = false);

/// The study's structures of one variant (empty: the first of the grid with a fine-tuned stage, or else the first that
/// has results), ranked by what fine-tuning gained, or in a study without a fine-tuned stage by their Dice; with `than`
/// ranked by what the variant has above that one, such as its control, in the Fine-Tuned column (pre-trained where the
/// variant is not fine-tuned). Corrected p over the structures. Databases and formats as above. csv has the columns
/// structure, subjects, pretrained_dice, finetuned_dice, than_dice, difference, low, high, seed_sd, p, p_holm; empty is
/// what is not compared. Throws also for a variant that is not there or lacks that stage, listing those that are.
std::string render_structures(const std::vector<std::filesystem::path>& databases, const std::string& format,
                              const std::string& study = {}, const std::string& variant = {},
                              const std::string& than = {});
std::vector<std::string> render_structures(const std::vector<std::filesystem::path>& databases,
                                           const std::vector<std::string>& formats, const std::string& study = {},
                                           const std::string& variant = {}, const std::string& than = {});

/// All metrics of each variant in each column of Table 1: mean and sample sd over test subjects, made as a cell of
/// Table 1 is. Databases, formats and errors as above; throws std::runtime_error where nothing is finished. csv has the
/// columns variant, role, subjects, dice, dice_sd, hd95_mm, hd95_mm_sd, nsd, nsd_sd, volume_difference,
/// volume_difference_sd.
std::string render_metrics(const std::vector<std::filesystem::path>& databases, const std::string& format,
                           const std::string& study = {});

/// What became of the study's claims (docs/results-database.md), all tested as one family. Databases, formats and
/// errors as above; throws std::runtime_error for a study without claims. csv has the columns claim, better, than,
/// role, anatomies, better_dice, than_dice, difference, low, high, seed_sd, p, p_holm, verdict, most_in.
std::string render_claims(const std::vector<std::filesystem::path>& databases, const std::string& format,
                          const std::string& study = {});
std::vector<std::string> render_claims(const std::vector<std::filesystem::path>& databases,
                                       const std::vector<std::string>& formats, const std::string& study = {});

/// What the study's search has tried, the best first, with what it cost. Databases, formats and errors as above; throws
/// std::runtime_error for a study without a search. csv, in the order tried, has the columns tried, round, value_NAME
/// of each dimension, dice, seed_sd, epochs, epochs_so_far, variant; json has the seconds that were spent as well,
/// which no run repeats.
std::string render_search(const std::vector<std::filesystem::path>& databases, const std::string& format,
                          const std::string& study = {});
std::vector<std::string> render_search(const std::vector<std::filesystem::path>& databases,
                                       const std::vector<std::string>& formats, const std::string& study = {});

/// The settings of a row that the search has found (empty: the best), as YAML that can stand as a variant in a grid.
/// Throws also for another row, naming those that were found.
std::string found_settings(const std::vector<std::filesystem::path>& databases, const std::string& study = {},
                           const std::string& variant = {});

/// The schedule of a net of the grid (empty: the best that the search found) as a Python module with a loss of MONAI's
/// and PyTorch's terms, equal to ours. Throws also for a term or option that they lack.
std::string schedule_for_monai(const std::vector<std::filesystem::path>& databases, const std::string& study = {},
                               const std::string& variant = {});

/// Dice per subject and structure with means, for `runner evaluate`. Formats: text, csv, json. csv has the columns
/// subject, structure, dice and leaves the cell of an undefined Dice empty. Throws std::invalid_argument for another
/// format, and for counts of more or fewer classes than `classes`.
std::string render_scores(const std::vector<SubjectCounts>& subjects, const data::Classes& classes,
                          const std::string& format);

}  // namespace crossfade::analysis
