#include "analysis/page/study_page.hpp"

#include <set>

#include "analysis/figures/svg.hpp"
#include "analysis/page/page_files.hpp"
#include "analysis/page/sections.hpp"
#include "analysis/results/merge.hpp"
#include "analysis/tables/text_table.hpp"
#include "data/publish.hpp"

namespace crossfade::analysis {
namespace {

constexpr const char* kOfPrivate =
    "Private page: it names subjects, machines and paths. To pass it on, make it with --share.";
constexpr const char* kOfShared = "Page to share: without pictures, names of subjects, machines and paths.";

/// Nothing from elsewhere, whatever a name might smuggle in.
constexpr const char* kPolicy =
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:";

Redaction redaction_of(const PageStudy& study, const std::vector<std::string>& names) {
  std::set<std::string> hosts;
  for (const PageRun& run : study.runs) hosts.insert(run.host);
  std::vector<std::string> shown = study.structures;
  for (const PageTrial& trial : study.trials) shown.push_back(trial.variant);
  return {names, hosts, shown};
}

PageContents contents_of(SQLite::Database& db, const StudyRow& found,
                         const std::vector<std::filesystem::path>& databases, const PageOptions& options) {
  PageContents page{.study = page_study_of(db, found),
                    .table1 = table1_of(db, found),
                    .claims = claims_of(db, found),
                    .figure1 = figure1_of(db, found),
                    .search = search_of(db, found),
                    .pictures = {},
                    .redaction = {},
                    .with_paper = options.with_paper};
  if (options.share)
    page.redaction = redaction_of(page.study, names_of(db, found, page.study));
  else
    page.pictures = find_pictures(db, found, databases);
  return page;
}

std::string html(const PageContents& page) {
  const bool shares = page.redaction.shares();
  const std::string name = xml_escaped(page.study.name), caption = page.redaction.text(page.study.caption);
  std::string sections;
  for (const auto make : {summary_section, table1_section, claims_section, figure1_section, figure2_section,
                          search_section, subjects_section, pictures_section, times_section, provenance_section})
    sections += make(page);
  return "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
         "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
         "<meta http-equiv=\"Content-Security-Policy\" content=\"" +
         std::string(kPolicy) + "\">\n<title>" + name + " – Crossfade</title>\n<style>\n" + kPageStyle +
         "</style>\n</head>\n<body>\n<header>\n<p class=\"kind " + (shares ? "shared" : "private") + "\">" +
         (shares ? kOfShared : kOfPrivate) + "</p>\n<h1><bdi>" + name + "</bdi></h1>\n" +
         (caption.empty() ? "" : element("p", {}, xml_escaped(caption)) + "\n") +
         "<nav id=\"contents\" aria-label=\"Contents\"></nav>\n</header>\n<main>\n" + sections +
         "</main>\n<div id=\"tip\" role=\"status\" aria-live=\"polite\" hidden></div>\n"
         "<script type=\"application/json\" id=\"data\">" +
         page_data(page) + "</script>\n<script>\n" + kPageScript + "</script>\n</body>\n</html>\n";
}

}  // namespace

std::string study_page(const std::vector<std::filesystem::path>& databases, const std::string& study,
                       const PageOptions& options) {
  return html(read_study(databases, study, "reading for the page", [&](SQLite::Database& db, const StudyRow& found) {
    return contents_of(db, found, databases, options);
  }));
}

void write_study_page(const std::vector<std::filesystem::path>& databases, const std::filesystem::path& file,
                      const std::string& study, const PageOptions& options) {
  data::write_whole(file, study_page(databases, study, options));
}

}  // namespace crossfade::analysis
