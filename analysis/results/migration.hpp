// Bringing the file of an older version to this program's schema. Private to analysis/.
#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

#include <filesystem>

namespace crossfade::analysis {

/// Gives a results database of version kOldestWritable to kSchemaVersion the tables and views of this program, with all
/// its rows; one of kSchemaVersion new views alone. Within the caller's transaction, on a connection that doesn't
/// enforce foreign keys: they are checked at the end. Throws SQLite::Exception, or std::runtime_error that names the
/// file where a row refers to one that is not there; the caller rolls back.
void bring_up_to_date(SQLite::Database& db, const std::filesystem::path& file);

}  // namespace crossfade::analysis
