#include "analysis/claims.hpp"

#include <cmath>
#include <limits>
#include <map>

#include "analysis/database.hpp"

namespace crossfade::analysis {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
constexpr std::uint64_t kBootstrapSeed = 1;

std::vector<Claim> claims_of(SQLite::Database& db, std::int64_t study) {
  std::vector<Claim> claims;
  if (!db.tableExists("claim")) return claims;  // a file of version 1 or 2
  SQLite::Statement query(db, "SELECT name, better, than, role FROM claim WHERE study_id = ? ORDER BY position");
  query.bind(1, study);
  while (query.executeStep())
    claims.push_back({.name = query.getColumn(0).getString(),
                      .better = query.getColumn(1).getString(),
                      .than = query.getColumn(2).getString(),
                      .role = query.getColumn(3).getString()});
  return claims;
}

struct Side {
  std::map<std::string, double> dice;  // by test subject
  double seed_sd = kNone;
  std::int64_t parameters = 0;
};

Side side_of(SQLite::Database& db, std::int64_t study, const std::string& variant, const std::string& role) {
  const auto of_variant = [&](const std::string& sql) {
    SQLite::Statement query(db, sql);
    query.bind(1, study);
    query.bind(2, variant);
    return query;
  };
  const auto of_role = [&](const std::string& sql) {
    SQLite::Statement query =
        of_variant(sql + " WHERE v.study_id = ? AND v.name = ? AND c.role = ? AND c.part = 'test'");
    query.bind(3, role);
    return query;
  };
  Side side;
  SQLite::Statement scores = of_role(
      "SELECT c.subject, c.dice FROM (SELECT variant_id, role, part, subject, avg(dice) AS dice"
      " FROM subject_dice GROUP BY variant_id, role, part, subject) AS c JOIN variant AS v ON v.id = c.variant_id");
  while (scores.executeStep())
    if (!scores.getColumn(1).isNull()) side.dice[scores.getColumn(0).getString()] = scores.getColumn(1).getDouble();
  SQLite::Statement spread = of_role("SELECT c.seed_sd FROM table1_cell AS c JOIN variant AS v ON v.id = c.variant_id");
  if (spread.executeStep() && !spread.getColumn(0).isNull()) side.seed_sd = spread.getColumn(0).getDouble();
  SQLite::Statement nets = of_variant(
      "SELECT max(t.parameters) FROM trial AS t JOIN variant AS v ON v.id = t.variant_id"
      " WHERE v.study_id = ? AND v.name = ? AND t.in_grid = 1");
  if (nets.executeStep()) side.parameters = nets.getColumn(0).getInt64();  // NULL reads as 0
  return side;
}

ClaimResult compare(const Claim& claim, const Side& better, const Side& than, std::uint32_t position) {
  ClaimResult result{.claim = claim,
                     .interval = {},
                     .seed_sd = std::fmax(better.seed_sd, than.seed_sd),  // of a number and none: the number
                     .parameters = {better.parameters, than.parameters}};
  std::vector<double> differences;
  double better_sum = 0, than_sum = 0, difference_sum = 0;
  for (const auto& [subject, dice] : better.dice) {
    const auto other = than.dice.find(subject);
    if (other == than.dice.end()) continue;
    differences.push_back(dice - other->second);
    better_sum += dice;
    than_sum += other->second;
    difference_sum += differences.back();
  }
  const auto n = static_cast<double>(differences.size());  // a mean of none is 0 / 0, not a number
  result.anatomies = static_cast<int>(differences.size());
  result.better_dice = better_sum / n;
  result.than_dice = than_sum / n;
  result.difference = difference_sum / n;
  result.interval = bootstrap_mean(differences, data::Random(kBootstrapSeed, data::Purpose::kBootstrap, position));
  result.p = wilcoxon_signed_rank(differences).p;
  return result;
}

void judge(std::vector<ClaimResult>& claims) {
  std::vector<double> p_values, smallest;
  for (const ClaimResult& result : claims) {
    p_values.push_back(std::isnan(result.p) ? 1 : result.p);
    smallest.push_back(smallest_p(result.anatomies));
  }
  const std::vector<double> corrected = holm_adjusted(p_values), at_best = holm_adjusted(smallest);
  for (std::size_t i = 0; i < claims.size(); ++i) {
    ClaimResult& result = claims[i];
    result.p_holm = std::isnan(result.p) ? kNone : corrected[i];
    if (result.anatomies == 0)
      result.verdict = Verdict::kNoResult;
    else if (at_best[i] > kAlpha)
      result.verdict = Verdict::kTooFew;
    else if (result.p_holm <= kAlpha && result.difference != 0)
      result.verdict = result.difference > 0 ? Verdict::kHolds : Verdict::kReverseHolds;
    else
      result.verdict = Verdict::kUndecided;
  }
}

}  // namespace

ClaimTable read_claims(const std::vector<std::filesystem::path>& databases, const std::string& study) {
  return read_study(databases, study, "reading claims", [&](SQLite::Database& db, const StudyRow& found) {
    ClaimTable table{.study = found.name, .caption = found.caption, .claims = {}};
    for (const Claim& claim : claims_of(db, found.id))
      table.claims.push_back(compare(claim, side_of(db, found.id, claim.better, claim.role),
                                     side_of(db, found.id, claim.than, claim.role),
                                     static_cast<std::uint32_t>(table.claims.size())));
    if (table.claims.empty())
      throw database_error(databases, "study '" + found.name + "' makes no claims; its grid says them under 'claims'");
    judge(table.claims);
    SQLite::Statement trials(db,
                             "SELECT count(DISTINCT fold), coalesce(sum(state = 'finished'), 0), count(*) FROM trial"
                             " WHERE study_id = ? AND in_grid = 1");
    trials.bind(1, found.id);
    trials.executeStep();
    table.folds = trials.getColumn(0).getInt();
    table.finished = trials.getColumn(1).getInt();
    table.planned = trials.getColumn(2).getInt();
    return table;
  });
}

}  // namespace crossfade::analysis
