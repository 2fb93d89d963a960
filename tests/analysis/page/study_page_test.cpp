#include "analysis/page/study_page.hpp"

#include <SQLiteCpp/SQLiteCpp.h>
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>
#include <regex>

#include "analysis/page/redaction.hpp"
#include "tests/analysis/study.hpp"

namespace crossfade::analysis {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

TEST(Redaction, TakesNamesHostsAndPathsOutOfTexts) {
  const Redaction redaction({"ann", "01", "bob"}, {"gpu-7"});
  EXPECT_EQ(redaction.subject("bob"), "subject 3");
  EXPECT_EQ(redaction.subject("never seen"), "subject");
  EXPECT_EQ(redaction.text("runner --grid /home/me/x.yaml --set a.root=../data,b=1"),
            "runner --grid (path) --set a.root=(path),b=1");
  EXPECT_EQ(redaction.text("test: [ann, 01, annette]  # on gpu-7"), "test: [subject 1, 01, annette]  # on (host)");
  EXPECT_EQ(redaction.text("cohort x: scan 'C:\\data\\ann.nii' of ann: no slice"),
            "cohort x: scan '(path)' of subject 1: no slice");
  EXPECT_EQ(redaction.text("Scans of bob. Who is v1.bob?"), "Scans of subject 3. Who is v1.subject 3?");
  EXPECT_EQ(redaction.text("bob_T1w.nii.gz, gpu-7.example.org, bobby, ann-2; mean of 01"),
            "subject 3_T1w.nii.gz, (host).example.org, bobby, subject 1-2; mean of 01");
}

TEST(Redaction, TakesNamesThatReadAsNumbersWhereSubjectsAreNamed) {
  const Redaction redaction({"12", "3", "ann"}, {});
  EXPECT_EQ(redaction.text("mean over subjects (12). Seeds: 3."), "mean over subjects (12). Seeds: 3.");
  EXPECT_EQ(redaction.message("subject 12: no slice of 3"), "subject subject 1: no slice of subject 2");
  EXPECT_EQ(
      redaction.grid("c: {subjects: 12, exclude: 3 12, split: {train: 3, test_subjects: 12}}\n  epochs: 3\n"
                     "exclude: 12\nwidth: 12\n"),
      "c: {subjects: 12, exclude: subject 2 subject 1, split: {train: 3, test_subjects: subject 1}}\n  epochs: 3\n"
      "exclude: subject 1\nwidth: 12\n");
  EXPECT_EQ(redaction.text("lr: 2e-3\n  epochs: 3\n"), "lr: 2e-3\n  epochs: 3\n") << "the rest stays to the letter";
}

TEST(Redaction, TakesNoWordOfANameThatThePageShowsForAPath) {
  const Redaction redaction({"w/ann"}, {}, {"U-Net w/o noise", "grey/white"});
  EXPECT_EQ(redaction.text("U-Net w/o noise: Dice of grey/white, from data/white"),
            "U-Net w/o noise: Dice of grey/white, from (path)");
}

TEST(Redaction, TakesNamesOfSeveralWordsWhole) {
  const Redaction redaction({"Jane Doe", "Jane", "Jane Doe-Smith"}, {});
  EXPECT_EQ(redaction.text("of Jane Doe, Jane Doe-Smith and Jane: not Jane Doenitz"),
            "of subject 1, subject 3 and subject 2: not subject 2 Doenitz");
}

TEST(Redaction, OfNothingLeavesAllAsItIs) {
  EXPECT_EQ(Redaction().text("/home/me: ann"), "/home/me: ann");
  EXPECT_EQ(Redaction().subject("ann"), "ann");
}

class Page : public testing::Test {
 protected:
  TemporaryFolder folder;
  std::filesystem::path file = folder / "r.sqlite";

  static nlohmann::json data_of(const std::string& page) {
    const std::string begin = "id=\"data\">";
    const std::size_t at = page.find(begin) + begin.size();
    return nlohmann::json::parse(page.substr(at, page.find("</script>", at) - at));
  }
};

TEST_F(Page, SaysWhatWasComparedAndWhatCameOut) {
  write_made_up_study(file);
  const std::string page = study_page({file});
  for (const char* id : {"summary", "table1", "figure1", "figure2", "subjects", "times", "provenance"})
    EXPECT_THAT(page, HasSubstr("<section id=\"" + std::string(id) + "\">"));
  EXPECT_THAT(page, Not(HasSubstr("<section id=\"claims\">"))) << "it makes none";
  EXPECT_THAT(page, HasSubstr("The highest mean Dice on test subjects is "));
  EXPECT_THAT(page, HasSubstr("never &lt;converged&gt;"));
  EXPECT_THAT(page, Not(HasSubstr("never <converged>")));
  EXPECT_THAT(page, HasSubstr("study: made-up"));
}

TEST_F(Page, HasEachVariantsDiceByStructureAndSubject) {
  StudyRecord study = study_record("of two");
  study.classes = {{"background", "A", "B"}, {0, 1, 2}};
  {
    ResultsDatabase db(file);
    const auto ids = db.begin(study, provenance(), {trial_record("v", 1), trial_record("v", 2)});
    for (std::size_t i = 0; i < 2; ++i) {
      SubjectCounts ann{"ann", Counts(3)}, bob{"bob", Counts(3)};
      ann.counts.true_positive[1] = 1;
      ann.counts.false_positive[1] = i == 0 ? 0 : 2;  // Dice 1, and 1/2
      bob.counts.true_positive[1] = 1;
      bob.counts.false_positive[1] = 1;  // 2/3
      bob.counts.true_positive[2] = 1;
      db.record_stage(
          ids[i].id,
          {.stage = 0, .best_epoch = 1, .best_dice = 0.9, .stopped = "", .validation = {}, .test = {bob, ann}});
      db.set_finished(ids[i].id);
    }
  }
  const nlohmann::json data = data_of(study_page({file}));
  EXPECT_THAT(data["structures"], ElementsAre("A", "B"));
  EXPECT_THAT(data["subjects"], ElementsAre("ann", "bob"));
  ASSERT_EQ(data["scores"].size(), 1u);
  EXPECT_EQ(data["scores"][0]["dice"], nlohmann::json::parse("[[7500, 6667], [null, 10000]]"))
      << "the mean over seeds, in ten thousandths";
  EXPECT_EQ(data_of(study_page({file}, "", {.share = true}))["subjects"],
            nlohmann::json::parse(R"(["subject 1", "subject 2"])"));
}

TEST_F(Page, ToShareNamesNobodyNoMachineAndNoPath) {
  StudyRecord study = study_record("shared");
  study.caption = "scans of zacharias";
  study.claims = {{"better for zacharias of /secret/scans", "good", "bad"}};
  study.grid_text = "cohorts: {own: {root: /secret/scans, split: {test: [zacharias]}}}\n# </script> --> <b>";
  Provenance run = provenance();
  run.host = "secret-host";
  run.command = "/secret/runner --grid /secret/x.yaml --set cohorts.own.root=/secret/scans";
  {
    ResultsDatabase db(file);
    std::mt19937 random(1);
    const auto ids = db.begin(study, run, {trial_record("good", 1), trial_record("bad", 1)});
    finish(db, ids[0].id, trial_record("good", 1), random, 0.8, {"zacharias", "secret-host-2", "ölaf"});
    db.set_failed(ids[1].id, "cohort own: '/secret/scans/zacharias.nii.gz' of zacharias is broken");
  }
  const std::string whole = study_page({file}), shared = study_page({file}, "", {.share = true});
  for (const char* secret : {"zacharias", "secret", "ölaf"}) {
    EXPECT_THAT(whole, HasSubstr(secret));
    EXPECT_THAT(shared, Not(HasSubstr(secret)));
  }
  EXPECT_THAT(shared, Not(HasSubstr("val1"))) << "of validation";
  EXPECT_THAT(whole, HasSubstr("Private page"));
  EXPECT_THAT(shared, HasSubstr("Page to share"));
  EXPECT_THAT(shared, HasSubstr("cohort own: &#39;(path)&#39; of subject"));
  EXPECT_THAT(whole, HasSubstr("# &lt;/script&gt;")) << "the grid is text";
  for (const std::string* page : {&whole, &shared}) {
    const std::regex ends("</script>");
    EXPECT_EQ(std::distance(std::sregex_iterator(page->begin(), page->end(), ends), std::sregex_iterator()), 2);
  }
}

// Of whom nothing is scored: a training subject in an error, one left out and one to be tested in grid and command.
TEST_F(Page, ToShareNamesNobodyWhoIsNotTestedYet) {
  StudyRecord study = study_record("shared");
  study.grid_text = "cohorts: {own: {exclude: noname, split: {test_subjects: anna zoe}}}";
  study.subjects = {"anna", "zoe", "noname", "trainee"};
  Provenance run = provenance();
  run.command = "runner --grid x.yaml --set 'cohorts.own.split.test_subjects=anna zoe'";
  {
    ResultsDatabase db(file);
    const auto ids = db.begin(study, run, {trial_record("bad", 1)});
    db.set_failed(ids[0].id, "registration of atlas trainee to zoe: no overlap");
  }
  const std::string whole = study_page({file}), shared = study_page({file}, "", {.share = true});
  for (const char* secret : {"anna", "zoe", "noname", "trainee"}) {
    EXPECT_THAT(whole, HasSubstr(secret));
    EXPECT_THAT(shared, Not(HasSubstr(secret)));
  }
}

TEST_F(Page, CountsAnotherToolAsNothingTrained) {
  std::mt19937 random(3);
  {
    ResultsDatabase db(file);
    const TrialRecord a = trial_record("a", 1), b = trial_record("b", 2);
    const auto ids = db.begin(study_record(), provenance(), {a, b});
    finish(db, ids[0].id, a, random, 0.5);
    finish(db, ids[1].id, b, random, 0.6);
  }
  SQLite::Database(file.string(), SQLite::OPEN_READWRITE)
      .exec("UPDATE variant SET source = 'score' WHERE name = 'b'; UPDATE trial SET seed = 0 WHERE seed = 2");
  EXPECT_THAT(study_page({file}),
              HasSubstr("1 variant of training were trained in 1 trial (1 seed) and tested beside 1 "
                        "other tool on 3 subjects"));
}

TEST_F(Page, OfAStudyThatHasNothingYetIsStillAPage) {
  { ResultsDatabase(file).begin(study_record(), provenance(), {trial_record("a", 1)}); }
  const std::string page = study_page({file});
  EXPECT_THAT(page, HasSubstr("Nothing is tested yet."));
  EXPECT_THAT(page, Not(HasSubstr("<section id=\"figure1\">")));
}

TEST_F(Page, AppearsWholeOrSaysWhyNot) {
  write_made_up_study(file);
  write_study_page({file}, folder / "p.html");
  EXPECT_EQ(read_text(folder / "p.html"), study_page({file}));
  EXPECT_THAT(error_of([&] { write_study_page({file}, folder / "no" / "p.html"); }), HasSubstr("can't write"));
}

}  // namespace
}  // namespace crossfade::analysis
