// The parts of the page, as HTML. Private to analysis/.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "analysis/figures/figure1_lines.hpp"
#include "analysis/figures/pictures.hpp"
#include "analysis/page/page_study.hpp"
#include "analysis/page/redaction.hpp"
#include "analysis/tables/study_tables.hpp"

namespace crossfade::analysis {

/// All that the page is made of.
struct PageContents {
  PageStudy study;
  Table1 table1;
  ClaimTable claims;
  Figure1 figure1;
  std::optional<SearchTable> search;
  std::vector<VariantPictures> pictures;  // empty in a page that is passed on
  Redaction redaction;
  bool with_paper = false;
};

/// A part of the page under a heading; `content` is markup.
std::string section(const std::string& id, const std::string& title, const std::string& content);

// Each is such a part, or empty where the study has nothing of it.

/// What was compared, on what, what came out, and which claims hold; what went wrong.
std::string summary_section(const PageContents& page);
std::string table1_section(const PageContents& page);
std::string claims_section(const PageContents& page);
std::string figure1_section(const PageContents& page);
std::string figure2_section(const PageContents& page);
/// Test subjects, the worst first.
std::string subjects_section(const PageContents& page);
/// Some of them as scans with outlines.
std::string pictures_section(const PageContents& page);
std::string search_section(const PageContents& page);
std::string times_section(const PageContents& page);
std::string provenance_section(const PageContents& page);

/// What page.js draws with, as JSON: Dice of each variant, structure and subject in ten thousandths.
std::string page_data(const PageContents& page);

}  // namespace crossfade::analysis
