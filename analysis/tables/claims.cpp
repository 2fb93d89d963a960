#include "analysis/tables/claims.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "analysis/results/merge.hpp"
#include "analysis/tables/net_size.hpp"
#include "analysis/tables/persons.hpp"
#include "analysis/tables/study_tables.hpp"

namespace crossfade::analysis {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

std::vector<Claim> claims_in(SQLite::Database& db, std::int64_t study) {
  std::vector<Claim> claims;
  SQLite::Statement query(db,
                          "SELECT name, better, than, role, most_in FROM claim WHERE study_id = ? ORDER BY position");
  query.bind(1, study);
  while (query.executeStep())
    claims.push_back({.name = query.getColumn(0).getString(),
                      .better = query.getColumn(1).getString(),
                      .than = query.getColumn(2).getString(),
                      .role = query.getColumn(3).getString(),
                      .most_in = query.getColumn(4).getString()});
  return claims;
}

using DiceOfSubjects = std::map<std::string, double>;

/// As subject_dice, but for the mean over structures: that over those of :most_in less that over the others.
constexpr const char* kContrast =
    "(SELECT score.variant_id, score.role, score.seed, score.part, score.subject,"
    " avg(CASE WHEN instr(' ' || :most_in || ' ', ' ' || st.name || ' ') THEN score.value END) -"
    " avg(CASE WHEN NOT instr(' ' || :most_in || ' ', ' ' || st.name || ' ') THEN score.value END) AS dice"
    " FROM structure_score AS score"
    " JOIN structure AS st ON st.study_id = score.study_id AND st.id = score.structure_id"
    " WHERE score.metric = 'dice' GROUP BY score.stage_id, score.part, score.subject)";

struct Side {
  DiceOfSubjects dice;                             // mean over seeds
  std::map<std::int64_t, DiceOfSubjects> by_seed;  // each seed's own
  double seed_sd = kNone;
  std::int64_t parameters = 0;
};

Side side_of(SQLite::Database& db, std::int64_t study, const std::string& variant, const Claim& claim) {
  const auto of_role = [&](const std::string& sql) {
    SQLite::Statement query(
        db, sql + " WHERE v.study_id = :study AND v.name = :name AND c.role = :role AND c.part = 'test'");
    query.bind(":study", study);
    query.bind(":name", variant);
    query.bind(":role", claim.role);
    if (sql.find(":most_in") != std::string::npos) query.bind(":most_in", claim.most_in);
    return query;
  };
  const std::string dice = claim.most_in.empty() ? "subject_dice" : kContrast;
  Side side;
  SQLite::Statement scores = of_role(
      "SELECT c.subject, c.dice FROM (SELECT variant_id, role, part, subject,"
      " avg(dice) AS dice FROM " +
      dice +
      " GROUP BY variant_id, role, part, subject) AS c"
      " JOIN variant AS v ON v.id = c.variant_id");
  while (scores.executeStep())
    if (!scores.getColumn(1).isNull()) side.dice[scores.getColumn(0).getString()] = scores.getColumn(1).getDouble();
  SQLite::Statement seeds =
      of_role("SELECT c.seed, c.subject, c.dice FROM " + dice + " AS c JOIN variant AS v ON v.id = c.variant_id");
  while (seeds.executeStep())
    if (!seeds.getColumn(2).isNull())
      side.by_seed[seeds.getColumn(0).getInt64()][seeds.getColumn(1).getString()] = seeds.getColumn(2).getDouble();
  SQLite::Statement spread = of_role("SELECT c.seed_sd FROM table1_cell AS c JOIN variant AS v ON v.id = c.variant_id");
  if (claim.most_in.empty() && spread.executeStep() && !spread.getColumn(0).isNull())
    side.seed_sd = spread.getColumn(0).getDouble();
  SQLite::Statement row(db, "SELECT id FROM variant WHERE study_id = ? AND name = ?");
  row.bind(1, study);
  row.bind(2, variant);
  if (row.executeStep()) side.parameters = parameters_of(db, row.getColumn(0).getInt64());
  return side;
}

struct BySeed {
  std::vector<double> differences;  // mean of each seed, in order of seeds
  std::size_t anatomies = 0;        // that each is over
};

/// Of the seeds that both sides have, over the anatomies that both have with every one of them: where folds have unlike
/// seeds, those of another fold would be compared on other anatomies.
BySeed by_seed(const Side& better, const Side& than) {
  std::map<std::string, std::vector<double>> of_subjects;
  std::size_t seeds = 0;
  for (const auto& [seed, dice] : better.by_seed) {
    const auto other = than.by_seed.find(seed);
    if (other == than.by_seed.end()) continue;
    bool any = false;
    for (const auto& [subject, value] : dice) {
      const auto pair = other->second.find(subject);
      if (pair == other->second.end()) continue;
      of_subjects[subject].push_back(value - pair->second);
      any = true;
    }
    seeds += any;
  }
  BySeed out{.differences = std::vector<double>(seeds), .anatomies = 0};
  for (const auto& [subject, differences] : of_subjects) {
    if (differences.size() < seeds) continue;
    ++out.anatomies;
    for (std::size_t s = 0; s < seeds; ++s) out.differences[s] += differences[s];
  }
  if (out.anatomies == 0) return {};
  for (double& difference : out.differences) difference /= static_cast<double>(out.anatomies);
  return out;
}

Verdict verdict_over_anatomies(const Comparison& comparison) {
  if (comparison.anatomies.empty()) return Verdict::kNoResult;
  if (comparison.too_few) return Verdict::kTooFew;
  if (!(comparison.p_holm <= kAlpha)) return Verdict::kUndecided;
  // One anatomy that a net fails on can turn the mean against the ranks, and the claim is of the mean.
  if (comparison.direction > 0 && comparison.difference > 0) return Verdict::kHolds;
  if (comparison.direction < 0 && comparison.difference < 0) return Verdict::kReverseHolds;
  return Verdict::kUndecided;
}

Verdict verdict_of(const ClaimResult& result) {
  const Verdict verdict = verdict_over_anatomies(result.comparison);
  if (!result.found && result.by_seed.size() < kSeedsToDecide) return verdict;
  const bool unsure = (verdict == Verdict::kHolds && !(result.over_seeds.low > 0)) ||
                      (verdict == Verdict::kReverseHolds && !(result.over_seeds.high < 0));
  return unsure ? Verdict::kUndecidedOverSeeds : verdict;
}

}  // namespace

ClaimTable claims_of(SQLite::Database& db, const StudyRow& study) {
  ClaimTable table{
      .study = study.name, .caption = study.caption, .claims = {}, .persons = persons_note(db, study.id), .search = {}};
  const std::optional<SearchTable> search = search_of(db, study);
  std::set<std::string> found;
  if (search)
    for (const SearchedPoint& point : search->points) found.insert(point.variant);  // empty: no finalist, and no row
  for (const Claim& claim : claims_in(db, study.id)) {
    const Side better = side_of(db, study.id, claim.better, claim);
    const Side than = side_of(db, study.id, claim.than, claim);
    BySeed seeds = by_seed(better, than);
    const Interval over_seeds = student_mean(seeds.differences);
    table.claims.push_back({.claim = claim,
                            .comparison = compare(better.dice, than.dice, claim.name),
                            .by_seed = std::move(seeds.differences),
                            .seed_anatomies = seeds.anatomies,
                            .over_seeds = over_seeds,
                            .seed_sd = std::fmax(better.seed_sd, than.seed_sd),  // of a number and none: the number
                            .parameters = {better.parameters, than.parameters},
                            .found = found.contains(claim.better) || found.contains(claim.than)});
  }
  if (std::ranges::any_of(table.claims, &ClaimResult::found)) table.search = search_notes(*search);
  std::vector<Comparison*> family;
  for (ClaimResult& claim : table.claims) family.push_back(&claim.comparison);
  correct_family(family);
  for (ClaimResult& claim : table.claims) claim.verdict = verdict_of(claim);
  SQLite::Statement trials(db,
                           "SELECT count(DISTINCT fold), coalesce(sum(state = 'finished'), 0), count(*) FROM trial"
                           " WHERE study_id = ? AND in_grid = 1");
  trials.bind(1, study.id);
  trials.executeStep();
  table.folds = trials.getColumn(0).getInt();
  table.finished = trials.getColumn(1).getInt();
  table.planned = trials.getColumn(2).getInt();
  return table;
}

ClaimTable read_claims(const std::vector<std::filesystem::path>& databases, const std::string& study) {
  return read_study(databases, study, "reading claims", [&](SQLite::Database& db, const StudyRow& found) {
    ClaimTable table = claims_of(db, found);
    if (table.claims.empty())
      throw database_error(databases, "study '" + found.name + "' makes no claims; its grid says them under 'claims'");
    return table;
  });
}

}  // namespace crossfade::analysis
