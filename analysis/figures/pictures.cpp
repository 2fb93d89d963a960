#include "analysis/figures/pictures.hpp"

#include <algorithm>
#include <cmath>
#include <system_error>

#include "analysis/results/folder.hpp"
#include "analysis/tables/text_table.hpp"

namespace crossfade::analysis {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> folders_of(const std::vector<fs::path>& databases) {
  std::vector<fs::path> folders;
  for (const fs::path& database : databases) {
    std::error_code none;
    if (const fs::path folder = pictures_folder(database); fs::is_directory(folder, none)) folders.push_back(folder);
  }
  return folders;
}

fs::path file_of(const std::vector<fs::path>& folders, const std::string& hash, const std::string& subject) {
  for (const fs::path& folder : folders) {
    std::error_code none;
    if (fs::path file = picture_file(folder, hash, subject); fs::is_regular_file(file, none)) return file;
  }
  return {};
}

/// The worst, the median and the best that have a file; `tested` rises in Dice.
std::vector<SubjectPicture> chosen(const std::vector<SubjectPicture>& tested) {
  std::vector<const SubjectPicture*> drawn;
  for (const SubjectPicture& one : tested)
    if (!one.file.empty()) drawn.push_back(&one);
  if (drawn.empty()) return {};
  const double median = tested[(tested.size() - 1) / 2].dice;
  const auto* nearest = *std::ranges::min_element(
      drawn, {}, [&](const SubjectPicture* picture) { return std::abs(picture->dice - median); });
  std::vector<SubjectPicture> pictures;
  const auto add = [&](const SubjectPicture* picture, const char* which) {
    pictures.push_back(*picture);
    pictures.back().which = which;
  };
  add(drawn.front(), "worst");
  if (nearest != drawn.front() && nearest != drawn.back()) add(nearest, "median");
  if (drawn.size() > 1) add(drawn.back(), "best");
  return pictures;
}

}  // namespace

std::vector<VariantPictures> find_pictures(SQLite::Database& db, const StudyRow& study,
                                           const std::vector<fs::path>& databases) {
  const std::vector<fs::path> folders = folders_of(databases);
  std::vector<VariantPictures> all;
  if (folders.empty()) return all;
  SQLite::Statement query(
      db,
      "SELECT v.name, c.role, c.seed, c.fold, s.hash, score.subject, avg(score.value) AS dice"
      " FROM counted_stage AS c JOIN variant AS v ON v.id = c.variant_id JOIN stage AS s ON s.id = c.stage_id"
      " JOIN subject_score AS score ON score.stage_id = c.stage_id"
      " WHERE c.study_id = ? AND score.part = 'test' AND score.metric = 'dice'"
      "  AND (c.role = 'finetuned' OR NOT EXISTS"
      "   (SELECT 1 FROM counted_stage AS o WHERE o.variant_id = c.variant_id AND o.role = 'finetuned'))"
      " GROUP BY c.stage_id, score.subject HAVING dice IS NOT NULL"
      " ORDER BY v.source = 'score', v.position, dice, score.subject, c.fold, c.seed");
  query.bind(1, study.id);
  std::vector<SubjectPicture> tested;  // of the last of `all`
  const auto end_variant = [&] {
    if (!all.empty()) all.back().pictures = chosen(tested);
    tested.clear();
  };
  while (query.executeStep()) {
    const std::string variant = query.getColumn(0).getString();
    if (all.empty() || all.back().variant != variant) {
      end_variant();
      all.push_back({variant, query.getColumn(1).getString(), {}});
    }
    const std::string subject = query.getColumn(5).getString();
    tested.push_back({.which = {},
                      .subject = subject,
                      .seed = query.getColumn(2).getInt64(),
                      .fold = query.getColumn(3).getInt(),
                      .dice = query.getColumn(6).getDouble(),
                      .file = file_of(folders, query.getColumn(4).getString(), subject)});
  }
  end_variant();
  std::erase_if(all, [](const VariantPictures& variant) { return variant.pictures.empty(); });
  return all;
}

std::string picture_title(const SubjectPicture& picture) {
  return "the " + picture.which + ": " + picture.subject + ", Dice " + fixed(picture.dice, 4) + " (" +
         seed_and_fold(picture.seed, picture.fold) + ")";
}

}  // namespace crossfade::analysis
