// One study out of one results database or several. Private to analysis/.
#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

#include <filesystem>
#include <string>
#include <vector>

#include "analysis/results/database.hpp"

namespace crossfade::analysis {

/// What of the scores a reader needs: Dice of subjects, or other metrics and the table dice (of validation, by epoch
/// and structure) as well. Reading all of them is most of the work of a large study.
enum class Scores { kTestDice, kAll };

/// A database in memory, of this program's schema, with the rows of one study (`study`; empty: the latest of the first
/// file) from all `files`, so that queries see one study. Provenance: all rows. Variants and claims of one name are the
/// same, as the first file that has it says, in the order of the files; so is the person of a subject. Trials of one
/// hash are the same: the finished one is taken, then the one with more epochs, then that of the earlier file; its
/// variant is that of the first file that has it in its grid. Columns that a file of an older version lacks are NULL,
/// or the only value there was then. Each file is read in one transaction; the views counted_stage, structure_score (of
/// `scores`), subject_dice and table1_cell are evaluated once, and stand as tables of the same names. A single file that
/// is already so is copied as it stands, with rows of other scores. Throws std::runtime_error as open_to_read and
/// find_study do, naming the file, and for a file whose study is of other classes than that of the first, by the first
/// class that differs; std::invalid_argument for no file at all.
SQLite::Database merge_study(const std::vector<std::filesystem::path>& files, const std::string& study,
                             Scores scores = Scores::kTestDice);

/// What `body` makes of the study: body(db, study), with a database as above, so that its queries see one state while a
/// study goes on, and the views of this program whatever wrote the files. Errors as above, and as with_errors, DOING
/// being `doing`.
template <class Body>
auto read_study(const std::vector<std::filesystem::path>& files, const std::string& name, const std::string& doing,
                Body&& body, Scores scores = Scores::kTestDice) {
  SQLite::Database db = merge_study(files, name, scores);
  return with_errors(files, doing, [&] { return body(db, find_study(db, files.front(), name)); });
}

}  // namespace crossfade::analysis
