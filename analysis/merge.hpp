// One study out of several results databases. Private to analysis/.
#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

#include <filesystem>
#include <string>
#include <vector>

namespace crossfade::analysis {

/// A database in memory, of this program's schema, with the rows of one study (`study`; empty: the latest of the first
/// file) from all `files`, so that queries see one study. Provenance: all rows. Variants and claims of one name are the
/// same, as the first file that has it says, in the order of the files. Trials of one hash are the same: the finished
/// one is taken, then the one with more epochs, then that of the earlier file; its variant is that of the first file
/// that has it in its grid. Columns that a file of an older version lacks are NULL, or the only value there was then.
/// Each file is read in one transaction. Throws std::runtime_error as open_to_read and find_study do, naming the file.
SQLite::Database merge_study(const std::vector<std::filesystem::path>& files, const std::string& study);

}  // namespace crossfade::analysis
