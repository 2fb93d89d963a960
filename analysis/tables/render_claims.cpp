#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "analysis/tables/claims.hpp"
#include "analysis/tables/net_size.hpp"
#include "analysis/tables/rendering.hpp"
#include "analysis/tables/report.hpp"
#include "analysis/tables/score_summary.hpp"
#include "analysis/tables/study_tables.hpp"

namespace crossfade::analysis {
std::string verdict_words(Verdict verdict) {
  switch (verdict) {
    case Verdict::kNoResult:
      return "no result yet";
    case Verdict::kTooFew:
      return "too few anatomies";
    case Verdict::kHolds:
      return "holds";
    case Verdict::kReverseHolds:
      return "the reverse holds";
    case Verdict::kUndecided:
      return "not decided";
    case Verdict::kUndecidedOverSeeds:
      return "not decided over seeds";
  }
  return {};
}

namespace {

/// "-0.0831 to +0.0027", with the anatomies where not all have each seed; of one seed nothing that the difference
/// doesn't say.
std::string range_of(const ClaimResult& result) {
  if (result.by_seed.size() < 2) return "–";
  const auto [low, high] = std::ranges::minmax(result.by_seed);
  return signed_digits(low) + " to " + signed_digits(high) +
         (result.seed_anatomies < result.comparison.anatomies.size()
              ? " (" + std::to_string(result.seed_anatomies) + " anatomies)"
              : "");
}

/// What a verdict has to be read with.
std::string reservation(const ClaimTable& table, const ClaimResult& result) {
  if (result.verdict != Verdict::kHolds && result.verdict != Verdict::kReverseHolds) return "";
  std::string text;
  const double sign = result.verdict == Verdict::kHolds ? 1 : -1;
  if (std::ranges::any_of(result.by_seed, [sign](double difference) { return sign * difference <= 0; }))
    text = "but not with every seed";
  if (table.finished < table.planned) text += text.empty() ? "so far" : ", so far";
  return text;
}

TextTable readable(const ClaimTable& table) {
  TextTable out;
  out.columns = {{"Claim"},         {"Column"},           {"Anatomies", true},
                 {"Dice", true},    {"Difference", true}, {"95 % interval", true},
                 {"By seed", true}, {"Over seeds", true}, {"Sd over seeds", true},
                 {"p", true},       {"p (Holm)", true},   {"Verdict"}};
  for (const ClaimResult& r : table.claims) {
    const Comparison& c = r.comparison;
    const bool none = c.anatomies.empty(), too_few = r.verdict == Verdict::kTooFew;
    const std::string anatomies = std::to_string(c.anatomies.size());
    out.rows.push_back({r.claim.name, column_title(r.claim.role), anatomies,
                        none ? "–" : fixed(c.better_dice, 4) + " vs. " + fixed(c.than_dice, 4),
                        signed_digits(c.difference), interval_digits(c.interval), range_of(r),
                        interval_digits(r.over_seeds), score_cell(r.seed_sd), too_few ? "–" : p_digits(c.p),
                        too_few ? "–" : p_digits(c.p_holm),
                        verdict_words(r.verdict) + (too_few ? " (" + anatomies + ")" : "") +
                            (reservation(table, r).empty() ? "" : ", " + reservation(table, r))});
  }
  return out;
}

std::vector<std::string> notes(const ClaimTable& table) {
  std::vector<std::string> lines = {study_note(table.study, table.caption)};
  for (const ClaimResult& r : table.claims)
    lines.push_back("Claim '" + r.claim.name + "': Dice of '" + r.claim.better + "' vs. '" + r.claim.than + "'" +
                    (r.claim.most_in.empty() ? "."
                                             : ", in each case the mean over " + r.claim.most_in +
                                                   " less the mean over the other structures."));
  lines.push_back(
      "The unit is the anatomy: a test subject's Dice is the mean over its structures, then over seeds; anatomies that "
      "both variants have are paired. 95 % interval: of the mean difference, by bootstrap over anatomies; of this "
      "claim alone, and of few anatomies somewhat narrow. By seed: the differences of single seeds that both variants "
      "have, lowest and highest, over the anatomies that both have with each of these seeds. Over seeds: 95 % interval "
      "of their mean, by Student's t. Sd over seeds: the larger of the two variants'.");
  lines.push_back("p: exact two-sided Wilcoxon signed-rank test, corrected by Holm's method over all " +
                  std::to_string(table.claims.size()) +
                  " claims of the study. A verdict needs a corrected p of at most 0.05, and a mean difference of the "
                  "same sign; too "
                  "few anatomies: none of their differences could give one. It is of these trained nets on other "
                  "anatomies; whether "
                  "it holds of nets trained again, only seeds tell: with " +
                  std::to_string(kSeedsToDecide) + " or more" +
                  (table.search.empty() ? "" : ", and for what the search found with any number") +
                  ", the interval over seeds has to lie on the same side of 0.");
  lines.insert(lines.end(), table.search.begin(), table.search.end());
  if (!table.persons.empty()) lines.push_back(table.persons);
  if (table.folds > 1) lines.push_back(folds_note(table.folds));
  for (const ClaimResult& r : table.claims) {
    const std::string note = unlike_size_note(r.parameters, " in '" + r.claim.name + "'");
    if (!note.empty()) lines.push_back(note);
  }
  if (table.finished < table.planned)
    lines.push_back(std::to_string(table.finished) + " of " + std::to_string(table.planned) + " trials finished.");
  return lines;
}

nlohmann::ordered_json json(const ClaimTable& table) {
  nlohmann::ordered_json out = {{"study", table.study},
                                {"caption", table.caption},
                                {"folds", table.folds},
                                {"trials_finished", table.finished},
                                {"trials_planned", table.planned},
                                {"claims", nlohmann::ordered_json::array()}};
  const double none = std::numeric_limits<double>::quiet_NaN();
  for (const ClaimResult& r : table.claims)
    out["claims"].push_back({{"claim", r.claim.name},
                             {"better", r.claim.better},
                             {"than", r.claim.than},
                             {"role", r.claim.role},
                             {"anatomies", r.comparison.anatomies.size()},
                             {"better_dice", r.comparison.better_dice},
                             {"than_dice", r.comparison.than_dice},
                             {"difference", r.comparison.difference},
                             {"low", r.comparison.interval.low},
                             {"high", r.comparison.interval.high},
                             {"lowest_by_seed", r.by_seed.empty() ? none : std::ranges::min(r.by_seed)},
                             {"highest_by_seed", r.by_seed.empty() ? none : std::ranges::max(r.by_seed)},
                             {"seeds", r.by_seed.size()},
                             {"seed_anatomies", r.seed_anatomies},
                             {"low_over_seeds", r.over_seeds.low},
                             {"high_over_seeds", r.over_seeds.high},
                             {"seed_sd", r.seed_sd},
                             {"p", r.comparison.p},
                             {"p_holm", r.comparison.p_holm},
                             {"n_too_small", r.comparison.too_few},
                             {"verdict", verdict_words(r.verdict)},
                             {"reservation", reservation(table, r)},
                             {"most_in", r.claim.most_in}});
  return out;
}

}  // namespace

Report claims_report(const ClaimTable& table) {
  nlohmann::ordered_json all = json(table);
  TextTable exact = in_full(all.at("claims"));
  return {.table = readable(table), .notes = notes(table), .exact = std::move(exact), .json = std::move(all)};
}

std::vector<std::string> render_claims(const std::vector<std::filesystem::path>& databases,
                                       const std::vector<std::string>& formats, const std::string& study) {
  return render(formats, [&] { return claims_report(read_claims(databases, study)); });
}

std::string render_claims(const std::vector<std::filesystem::path>& databases, const std::string& format,
                          const std::string& study) {
  return render_claims(databases, std::vector{format}, study).front();
}

}  // namespace crossfade::analysis
