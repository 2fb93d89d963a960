// Table 1 as the paper prints it, beside ours. Private to analysis/.
#pragma once

#include "analysis/tables/table1.hpp"

namespace crossfade::analysis {

/// analysis/tables/paper_table1.csv: Table 1 of Hegde, Kaku et al., "Scheduling Cross Entropy and Dice Loss for Optimal
/// Training of Segmentation Models", by our variants' names in experiments/table1-anatomy.yaml. Dice ± spread as
/// printed, one "did not converge", empty where the paper has no figure.
extern const char* const kPaperTable1;

/// Adds the columns paper_pretrained_dice, paper_pretrained_sd, paper_finetuned_dice and paper_finetuned_sd: numbers,
/// the string "did not converge", or null; all null in a row whose variant the paper lacks.
void add_paper(Table1& table);

}  // namespace crossfade::analysis
