// Tables of a study whose database is open already, and as reports: for what shows several of them. Private to
// analysis/.
#pragma once

#include <optional>

#include "analysis/results/database.hpp"
#include "analysis/tables/claims.hpp"
#include "analysis/tables/rendering.hpp"
#include "analysis/tables/search.hpp"
#include "analysis/tables/structures.hpp"
#include "analysis/tables/table1.hpp"

namespace crossfade::analysis {

// As read_...() of the table's own header; of a database as read_study() gives it.
Table1 table1_of(SQLite::Database& db, const StudyRow& study);
/// Empty where the study makes no claims.
ClaimTable claims_of(SQLite::Database& db, const StudyRow& study);
/// None where it has no search.
std::optional<SearchTable> search_of(SQLite::Database& db, const StudyRow& study);

Report table1_report(Table1 table, bool with_paper);
Report claims_report(const ClaimTable& table);
Report search_report(const SearchTable& table);

/// "holds", "not decided", ..
std::string verdict_words(Verdict verdict);

}  // namespace crossfade::analysis
