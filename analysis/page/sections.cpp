#include "analysis/page/sections.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <set>
#include <sstream>

#include "analysis/figures/figure1_drawing.hpp"
#include "analysis/figures/search_drawing.hpp"
#include "analysis/figures/structure_drawing.hpp"
#include "analysis/tables/score_summary.hpp"
#include "analysis/tables/text_table.hpp"

namespace crossfade::analysis {
namespace {

constexpr double kOverviewWidth = 980, kOverviewHeight = 420;  // pixels
constexpr std::size_t kMostAlerts = 10;                        // trials; more are folded
constexpr std::size_t kWorstStructures = 3;                    // of a subject that are named

std::string paragraph(const std::string& text) {
  return element("p", {}, xml_escaped(text)) + "\n";
}

/// Escaped line by line: line breaks are meant here.
std::string escaped_lines(const std::string& text) {
  std::istringstream in(text);
  std::string out;
  for (std::string line; std::getline(in, line);) out += xml_escaped(line) + "\n";
  return out;
}

/// As wide as its parent and moved sideways where that is narrow.
std::string scrolled(const std::string& content) {
  return "<div class=\"scroll\" tabindex=\"0\">\n" + content + "</div>\n";
}

/// The notes follow folded: they are long, and say how to read what stands above them.
std::string report_html(const Report& report, const Redaction& redaction) {
  std::string notes;
  for (const std::string& note : report.notes) notes += paragraph(redaction.text(note));
  return scrolled(as_html(report.table)) +
         (notes.empty() ? "" : "<details><summary>How to read this table</summary>\n" + notes + "</details>\n");
}

std::string figure(const std::string& id, const Drawing& drawing, const std::string& caption) {
  return "<figure id=\"" + id + "\">" + scrolled(svg_element(drawing)) +
         (caption.empty() ? "" : element("figcaption", {}, xml_escaped(caption))) + "</figure>\n";
}

std::string count_of(std::size_t n, const std::string& one, const std::string& many) {
  return std::to_string(n) + " " + (n == 1 ? one : many);
}

std::string title_of(const PageScores& scores) {
  return scores.variant + (scores.role == "finetuned" ? ", fine-tuned" : "");
}

/// What it is set against: the same variant before it was fine-tuned, or else the second best.
const PageScores* rival_of(const PageScores& best, const std::vector<PageScores>& all) {
  for (const PageScores& scores : all)
    if (scores.variant == best.variant && scores.role != best.role) return &scores;
  const PageScores* rival = nullptr;
  for (const PageScores& scores : all)
    if (&scores != &best && (rival == nullptr || scores.validation > rival->validation)) rival = &scores;
  return rival;
}

// Summary.

struct Cell {
  std::string variant, column;
  double dice = 0;
};

/// Test Dice of every variant in every column of Table 1, the highest first.
std::vector<Cell> cells_of(const Table1& table) {
  std::vector<Cell> cells;
  for (const auto& row : table.rows)
    for (const char* role : {"pretrained", "finetuned"})
      if (const auto& dice = row.at(std::string(role) + "_dice"); !dice.is_null())
        cells.push_back({row.at("variant").get<std::string>(), role, dice.get<double>()});
  std::ranges::stable_sort(cells, std::greater{}, &Cell::dice);
  return cells;
}

std::string what_was_compared(const PageContents& page) {
  std::set<std::int64_t> seeds;
  std::set<int> folds;
  std::set<std::string> trained, scored;
  std::size_t trials = 0;
  for (const PageTrial& trial : page.study.trials) {
    (trial.scored ? scored : trained).insert(trial.variant);
    if (trial.scored) continue;
    ++trials;
    seeds.insert(trial.seed);
    folds.insert(trial.fold);
  }
  std::string text = count_of(trained.size(), "variant", "variants") + " of " +
                     (page.claims.claims.empty() ? "training" : "loss and net") + " were trained in " +
                     count_of(trials, "trial", "trials") + " (" + count_of(seeds.size(), "seed", "seeds") +
                     (folds.size() > 1 ? ", " + std::to_string(folds.size()) + " folds" : "") + ") and tested" +
                     (scored.empty() ? "" : " beside " + count_of(scored.size(), "other tool", "other tools")) +
                     " on " + count_of(page.study.subjects.size(), "subject", "subjects") + " with " +
                     count_of(page.study.structures.size(), "structure", "structures") + ".";
  if (page.table1.finished < page.table1.planned)
    text += " So far " + std::to_string(page.table1.finished) + " of the trials are finished.";
  return text;
}

std::string what_came_out(const PageContents& page) {
  const std::vector<Cell> cells = cells_of(page.table1);
  if (cells.empty()) return "Nothing is tested yet.";
  const auto named = [](const Cell& cell) {
    return "'" + cell.variant + "'" + (cell.column == "finetuned" ? ", fine-tuned" : "");
  };
  std::string text = "The highest mean Dice on test subjects is " + fixed(cells[0].dice, 4) + ", of " + named(cells[0]);
  for (const Cell& cell : cells)
    if (cell.variant != cells[0].variant)
      return text + "; next is " + named(cell) + " with " + fixed(cell.dice, 4) + ", " +
             fixed(cells[0].dice - cell.dice, 4) + " below.";
  return text + ".";
}

std::string which_claims_hold(const PageContents& page) {
  if (page.claims.claims.empty()) return "The study makes no claims.";
  std::map<std::string, std::size_t> verdicts;
  for (const ClaimResult& claim : page.claims.claims) ++verdicts[verdict_words(claim.verdict)];
  std::string text = "Of its " + count_of(page.claims.claims.size(), "claim", "claims") + ": ";
  bool first = true;
  for (const auto& [verdict, count] : verdicts) {
    text += (first ? "" : ", ") + verdict + " " + std::to_string(count);
    first = false;
  }
  return text + ".";
}

std::string alerts(const PageContents& page) {
  TextTable table{.columns = {{"Trial"}, {"Seed", true}, {"Fold", true}, {"State"}, {"Epochs", true}, {"Reason"}},
                  .rows = {}};
  for (const PageTrial& trial : page.study.trials) {
    std::string state = trial.state, reason = trial.error;
    if (trial.state == "finished" && trial.stopped.empty() && trial.converged) continue;
    if (trial.state == "pending" || trial.state == "running") continue;
    if (!trial.stopped.empty()) {
      state = "stopped";
      reason = trial.stopped;
    } else if (trial.state == "finished") {
      state = "did not converge";
      reason = "best validation Dice below 0.10";
    }
    table.rows.push_back({trial.variant, std::to_string(trial.seed), std::to_string(trial.fold), state,
                          std::to_string(trial.epochs) + " of " + std::to_string(trial.planned),
                          page.redaction.message(reason)});
  }
  if (table.rows.empty()) return {};
  const bool folded = table.rows.size() > kMostAlerts;
  return std::string("<div class=\"alert\" role=\"note\">\n<details") + (folded ? "" : " open") + "><summary>" +
         xml_escaped(count_of(table.rows.size(), "trial", "trials") + " to look at") + "</summary>\n" +
         scrolled(as_html(table)) + "</details>\n</div>\n";
}

// Times.

struct Times {
  std::size_t trials = 0;
  double minutes = 0, shortest = 0, longest = 0, images = 0, train = 0, data = 0;
};

void add(Times& times, const PageTrial& trial) {
  times.shortest = times.trials == 0 ? trial.minutes : std::min(times.shortest, trial.minutes);
  times.longest = std::max(times.longest, trial.minutes);
  ++times.trials;
  times.minutes += trial.minutes;
  times.images += trial.images;
  times.train += trial.seconds_train;
  times.data += trial.seconds_data;
}

std::vector<std::string> times_row(const std::string& name, const Times& times) {
  const auto ratio = [](double a, double b, int digits) { return b > 0 ? fixed(a / b, digits) : std::string("–"); };
  return {name,
          std::to_string(times.trials),
          ratio(times.minutes, static_cast<double>(times.trials), 1),
          fixed(times.shortest, 1) + " to " + fixed(times.longest, 1),
          fixed(times.minutes / 60, 2),
          ratio(times.images, times.train, 1),
          ratio(100 * times.data, times.train, 1)};
}

}  // namespace

std::string section(const std::string& id, const std::string& title, const std::string& content) {
  return "<section id=\"" + id + "\">\n<h2>" + xml_escaped(title) + "</h2>\n" + content + "</section>\n";
}

std::string summary_section(const PageContents& page) {
  return section("summary", "In brief",
                 paragraph(what_was_compared(page)) + paragraph(what_came_out(page)) +
                     paragraph(which_claims_hold(page)) + alerts(page));
}

std::string table1_section(const PageContents& page) {
  return section("table1", "Table 1", report_html(table1_report(page.table1, page.with_paper), page.redaction));
}

std::string claims_section(const PageContents& page) {
  if (page.claims.claims.empty()) return {};
  ClaimTable table = page.claims;
  for (ClaimResult& result : table.claims) result.claim.name = page.redaction.text(result.claim.name);
  return section("claims", "Claims", report_html(claims_report(table), page.redaction));
}

std::string figure1_section(const PageContents& page) {
  const Figure1& figure1 = page.figure1;
  if (figure1.lines.empty()) return {};
  const std::vector<std::size_t> shown = highest_lines(figure1);
  std::string charts;
  for (const Drawing& chart : facets(figure1, true)) charts += svg_element(chart) + "\n";
  return section(
      "figure1", "Figure 1: Dice over training",
      figure("overview", overview(figure1, shown, kOverviewWidth, kOverviewHeight, true),
             shown.size() < figure1.lines.size()
                 ? "The " + std::to_string(shown.size()) + " variants that end highest; circles: the schedule switches."
                 : "Circles: the schedule switches.") +
          "<h3>Each variant by itself</h3>\n" +
          paragraph(
              "Its mean before the other variants in grey, each trial a thin line; below, what each term of the loss "
              "weighs, and its value, unweighted.") +
          "<div id=\"facets\">\n" + charts + "</div>\n");
}

std::string figure2_section(const PageContents& page) {
  const PageScores* best = best_on_validation(page.study.scores);
  if (best == nullptr || page.study.subjects.empty()) return {};
  const PageScores* rival = rival_of(*best, page.study.scores);
  const std::string legend = rival == nullptr
                                 ? element("span", {{"class", "blue"}}, xml_escaped(title_of(*best)))
                                 : element("span", {{"class", "red"}}, xml_escaped(title_of(*rival))) + " and " +
                                       element("span", {{"class", "blue"}}, xml_escaped(title_of(*best)));
  const auto index = [&](const PageScores* scores) {
    return scores == nullptr ? std::string("-1") : std::to_string(scores - page.study.scores.data());
  };
  return section(
      "figure2", "Figure 2: Dice of each structure",
      element("p", {{"id", "sides"}, {"data-first", index(rival)}, {"data-second", index(best)}}, legend) + "\n" +
          figure("structures",
                 structure_rows(page.study.structures, rival == nullptr ? nullptr : &rival->dice, best->dice),
                 std::string("Boxes: quartiles over test subjects, the median in them; dots: subjects.") +
                     (rival == nullptr ? "" : " On the right the mean difference over the subjects that both have.")));
}

std::string subjects_section(const PageContents& page) {
  const PageStudy& study = page.study;
  const PageScores* best = best_on_validation(study.scores);
  if (best == nullptr || study.subjects.empty()) return {};
  struct Subject {
    std::size_t index = 0;
    double dice = 0;
  };
  std::vector<Subject> subjects;
  for (std::size_t s = 0; s < study.subjects.size(); ++s)
    if (const double dice = best->mean_of(s); !std::isnan(dice)) subjects.push_back({s, dice});
  std::ranges::stable_sort(subjects, {}, &Subject::dice);
  TextTable table{.columns = {{"Subject"}, {title_of(*best), true}, {"All variants", true}, {"Lowest structures"}},
                  .rows = {}};
  for (const Subject& subject : subjects) {
    std::vector<std::pair<double, std::string>> structures;
    for (std::size_t c = 0; c < study.structures.size(); ++c)
      if (!std::isnan(best->dice[c][subject.index]))
        structures.emplace_back(best->dice[c][subject.index], study.structures[c]);
    std::ranges::stable_sort(structures, {}, &std::pair<double, std::string>::first);
    std::string lowest;
    for (std::size_t c = 0; c < std::min(kWorstStructures, structures.size()); ++c)
      lowest += (c == 0 ? "" : ", ") + structures[c].second + " " + fixed(structures[c].first, 3);
    double sum = 0, count = 0;
    for (const PageScores& scores : study.scores)
      if (const double dice = scores.mean_of(subject.index); !std::isnan(dice)) sum += dice, ++count;
    table.rows.push_back({page.redaction.subject(study.subjects[subject.index]), score_cell(subject.dice),
                          score_cell(sum / count), lowest});
  }
  return section(
      "subjects", "Test subjects, the worst first",
      paragraph("Mean Dice over structures, of the variant that is best on validation, and over all variants.") +
          scrolled(as_html(table)));
}

std::string search_section(const PageContents& page) {
  if (!page.search) return {};
  const SearchTable& table = *page.search;
  std::string drawings;
  if (const auto map = search_map(table))
    drawings += figure(
        "search-map", *map,
        "Candidates by their values, coloured by validation Dice, numbered as they were tried; finalists in a ring.");
  if (const auto course = search_course(table))
    drawings += figure("search-course", *course,
                       "Best validation Dice so far against epochs trained, what candidates share counted once.");
  if (const auto forest = search_forest(table))
    drawings += figure("search-forest", *forest,
                       "The forest: each candidate in the order tried, grey where it goes on from what others have "
                       "trained, coloured by its Dice where it was trained itself.");
  double trained = 0;
  for (const SearchedPoint& point : table.points) trained = std::max(trained, point.epochs_so_far);
  return section("search", "The search",
                 paragraph(count_of(table.points.size(), "candidate", "candidates") + " by method " + table.method +
                           ", " + count_of(table.seeds.size(), "seed", "seeds") +
                           " each: " + fixed(trained, trained == std::round(trained) ? 0 : 1) + " epochs trained, of " +
                           fixed(table.epochs_alone, 0) + " without shared beginnings.") +
                     drawings + report_html(search_report(table), page.redaction));
}

std::string times_section(const PageContents& page) {
  TextTable table{.columns = {{"Variant"},
                              {"Trials", true},
                              {"Minutes a trial", true},
                              {"Shortest to longest", true},
                              {"Hours in all", true},
                              {"Images/s", true},
                              {"Waiting for data, %", true}},
                  .rows = {}};
  std::vector<std::pair<std::string, Times>> variants;
  Times all;
  for (const PageTrial& trial : page.study.trials) {
    if (trial.epochs == 0) continue;
    if (variants.empty() || variants.back().first != trial.variant) variants.push_back({trial.variant, {}});
    add(variants.back().second, trial);
    add(all, trial);
  }
  if (variants.empty()) return {};
  for (const auto& [name, times] : variants) table.rows.push_back(times_row(name, times));
  table.rows.push_back(times_row("All", all));
  return section(
      "times", "Time",
      paragraph("Training and validation; what a trial shares with another counts for the one that trained it.") +
          scrolled(as_html(table)));
}

std::string provenance_section(const PageContents& page) {
  const Redaction& redaction = page.redaction;
  TextTable table{.columns = {{"Started"}, {"Version"}, {"Ranks"}, {"Devices"}, {"Libraries"}, {"Data"}, {"Command"}},
                  .rows = {}};
  if (!redaction.shares()) table.columns.push_back({"Machine"});
  const auto words = [](const std::string& json) {
    std::string text;
    const auto object = nlohmann::json::parse(json, nullptr, false);
    if (!object.is_object()) return text;
    for (const auto& [name, value] : object.items())
      text += (text.empty() ? "" : ", ") + name + " " + (value.is_string() ? value.get<std::string>() : value.dump());
    return text;
  };
  for (const PageRun& run : page.study.runs) {
    table.rows.push_back(
        {run.started + (run.of_this_grid ? "" : " (another grid)"), run.version + " (git " + run.commit + ")",
         std::to_string(run.ranks) + ", " + std::to_string(run.ranks_per_trial) + " a trial", run.devices,
         redaction.text(words(run.libraries)), redaction.text(words(run.data)), redaction.message(run.command)});
    if (!redaction.shares()) table.rows.back().push_back(run.host);
  }
  return section(
      "provenance", "Where it comes from",
      scrolled(as_html(table)) + "<h3>The grid</h3>\n" +
          element("pre", {{"id", "grid"}, {"tabindex", "0"}}, escaped_lines(redaction.grid(page.study.grid_text))) +
          "\n");
}

std::string page_data(const PageContents& page) {
  nlohmann::json data;
  data["structures"] = page.study.structures;
  data["subjects"] = nlohmann::json::array();
  for (const std::string& subject : page.study.subjects) data["subjects"].push_back(page.redaction.subject(subject));
  data["scores"] = nlohmann::json::array();
  for (const PageScores& scores : page.study.scores) {
    nlohmann::json dice = nlohmann::json::array();
    for (const auto& structure : scores.dice) {
      nlohmann::json row = nlohmann::json::array();
      for (const double value : structure)
        row.push_back(std::isnan(value) ? nlohmann::json(nullptr) : nlohmann::json(std::lround(value * 1e4)));
      dice.push_back(std::move(row));
    }
    data["scores"].push_back({{"title", title_of(scores)}, {"dice", std::move(dice)}});
  }
  std::string text = data.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace), out;
  for (const char c : text) out += c == '<' ? std::string("\\u003c") : std::string(1, c);  // no end of a script
  return out;
}

}  // namespace crossfade::analysis
