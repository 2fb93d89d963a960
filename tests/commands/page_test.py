"""The page of a study in a real browser: it asks nobody, sorts, tells and chooses, and hostile names stay text."""

import csv
import io
import os
import re
import unittest

import studies
from harness import Case
from playwright.sync_api import sync_playwright

HOSTILE = ["<script>document.title='run'</script>", "\"quotes' & <b>bold</b>", "שלום עולם", "x" * 200, "</script><img src=x onerror=alert(1)>"]
SIZES = {"phone": (390, 844), "laptop": (1280, 800), "wide": (1920, 1080)}


class Page(Case):
    @classmethod
    def setUpClass(cls):
        cls.playwright = sync_playwright().start()
        cls.browser = cls.playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        cls.addClassCleanup(cls.playwright.stop)
        cls.addClassCleanup(cls.browser.close)

    def write_page(self, *more, drawn=False, **study):
        studies.write(self.folder / "r.sqlite", **study)
        if drawn:
            studies.draw(self.folder / "r.sqlite")
        completed = self.run_runner("page", "--results", "r.sqlite", "--output", "p.html", *more)
        self.assertEqual(completed.returncode, 0, completed.stderr)
        return (self.folder / "p.html").read_text()

    def open_page(self, size="laptop", **context):
        """The page, and what the browser has to complain of and has asked for."""
        width, height = SIZES[size]
        self.heard = []
        page = self.browser.new_context(viewport={"width": width, "height": height}, **context).new_page()
        self.addCleanup(page.context.close)
        page.on("console", lambda message: self.heard.append(message.text))
        page.on("pageerror", lambda error: self.heard.append(str(error)))
        page.on("request", lambda request: self.heard.append(request.url))
        page.goto((self.folder / "p.html").as_uri())
        self.assertEqual(self.heard, [(self.folder / "p.html").as_uri()])
        return page

    def column(self, page, section, index):
        return page.locator(f"#{section} tbody tr > :nth-child({index})").all_inner_texts()

    def test_hostile_names_stay_text_at_every_width(self):
        self.write_page(variants=HOSTILE, structures=HOSTILE, subjects=HOSTILE, grid="study: x # </pre><script>\n")
        for size in SIZES:
            page = self.open_page(size)
            self.assertEqual(page.title(), "made-up – Crossfade")
            self.assertEqual(self.column(page, "table1", 1), HOSTILE)
            self.assertEqual(page.locator("b, img").filter(visible=True).count(), 0, "no element of a name's making")
            self.assertLessEqual(page.evaluate("document.documentElement.scrollWidth"), SIZES[size][0], "nothing to scroll sideways")
            self.assertEqual(sorted(page.locator("#structures .row > text:first-child").all_text_contents()),
                             sorted(name if len(name) <= 32 else name[:16] + "…" + name[-15:] for name in HOSTILE))
            self.assertEqual(page.locator("#grid").inner_text(), "study: x # </pre><script>\n")

    def test_tables_sort_by_number_and_by_text(self):
        self.write_page(variants=["b", "a", "c"], claims=[("a", "b")])
        page = self.open_page()
        rising = self.column(page, "table1", 3)
        self.assertEqual(rising, sorted(rising))
        page.click("#table1 th:nth-child(3) button")
        self.assertEqual(page.get_attribute("#table1 th:nth-child(3)", "aria-sort"), "descending")
        self.assertEqual(self.column(page, "table1", 3), rising[::-1])
        page.keyboard.press("Enter")
        self.assertEqual(self.column(page, "table1", 3), rising)
        page.click("#table1 th:nth-child(1) button")
        self.assertEqual(self.column(page, "table1", 1), ["a", "b", "c"])
        self.assertIn("Of its 1 claim: too few anatomies 1.", page.inner_text("#summary"))

    def test_charts_say_what_their_lines_are_at(self):
        self.write_page(variants=["low", "high"], seeds=1)
        expected = {variant: dice for variant, dice in self.query("r.sqlite", "select variant, dice from figure1 where epoch = 2")}
        page = self.open_page()
        chart = page.locator("#overview svg")
        chart.scroll_into_view_if_needed()
        box = chart.bounding_box()
        low, high, left, right = map(float, page.get_attribute("#overview g.panel", "data-x").split())
        zoom = box["width"] / float(chart.get_attribute("viewBox").split()[2])
        at_epoch_2 = left + (right - left) * (2 - low) / (high - low)
        page.mouse.move(box["x"] + zoom * at_epoch_2 + 3, box["y"] + box["height"] / 2)
        told = page.inner_text("#tip")
        self.assertIn("Epoch 2", told)
        for variant, dice in expected.items():
            self.assertIn(f"{variant}: {dice:.3f}", told)
        page.mouse.move(0, 0)
        self.assertFalse(page.is_visible("#tip"))

        facet = page.locator("#facets svg").nth(1)
        facet.focus()
        page.keyboard.press("ArrowLeft")
        page.keyboard.press("ArrowLeft")
        told = page.inner_text("#tip")
        self.assertIn("Epoch 3", told)
        self.assertIn("wce, weight: 0.000", told)
        self.assertIn("wdice, weight: 1.000", told)
        self.assertIn(f"wce, value: {0.8 / 3:.3f}", told)
        page.keyboard.press("Escape")
        self.assertFalse(page.is_visible("#tip"))
        self.assertEqual(len(self.heard), 1, self.heard)

    def test_shows_the_variants_that_are_chosen(self):
        names = [f"variant {v}" for v in range(28)]
        self.write_page(variants=names)
        page = self.open_page()
        lines = page.locator("#overview g.line")
        visible = lambda: [name for name, line in zip(names, lines.all()) if line.is_visible()]
        self.assertEqual(visible(), names[-6:], "those that end highest")
        self.assertEqual(page.locator("#facets svg").count(), 28)
        page.get_by_label("variant 3", exact=True).check()
        page.get_by_label("variant 27", exact=True).uncheck()
        self.assertEqual(visible(), ["variant 3", *names[-6:-1]])
        self.assertEqual(page.locator("#overview .seed").filter(visible=True).count(), 0)
        page.get_by_label("each seed as a thin line").check()
        self.assertEqual(page.locator("#overview .seed").filter(visible=True).count(), 12)
        page.get_by_role("button", name="all", exact=True).click()
        self.assertEqual(visible(), names)
        ends = sorted(float(y) for y in page.locator("#overview .end").evaluate_all("texts => texts.map(t => t.getAttribute('y'))"))
        self.assertGreater(min(b - a for a, b in zip(ends, ends[1:])), 11, "labels of 11 pixels, none over another")

    def test_compares_any_two_by_structure(self):
        self.write_page(variants=["low", "middle", "high"])
        page = self.open_page()
        shown = lambda: page.locator("#structures .row .difference").all_text_contents()
        expected = lambda a, b: [f"{x:+.4f}" for (x,) in self.query("r.sqlite", f"""
            select avg(b.dice - a.dice) from (select structure, subject, avg(dice) as dice from figure2 where variant = '{a}' group by 1, 2) a
            join (select structure, subject, avg(dice) as dice from figure2 where variant = '{b}' group by 1, 2) b using (structure, subject)
            group by structure order by structure""")]
        before = shown()
        self.assertEqual(before, expected("middle", "high"), "the best on validation, above the next")
        page.get_by_label("in red").select_option("low")
        # The page holds ten thousandths: the mean of three differences is off by as much at most.
        for text, by_hand in zip(shown(), expected("low", "high")):
            self.assertAlmostEqual(float(text), float(by_hand), delta=1.5e-4)
        page.get_by_label("order").select_option("by difference")
        tops = page.locator("#structures .row").evaluate_all("rows => rows.map(r => Number(r.getAttribute('transform').match(/ ([\\d.]+)\\)/)[1]))")
        by_top = [float(text) for _, text in sorted(zip(tops, shown()))]
        self.assertEqual(by_top, sorted(by_top, reverse=True))

    def test_has_all_its_tables_and_figures_without_a_script(self):
        self.write_page(variants=["low", "high"])
        page = self.open_page(java_script_enabled=False)
        self.assertEqual(self.column(page, "table1", 1), ["low", "high"])
        for figure in ("#overview svg", "#facets svg >> nth=0", "#structures svg"):
            self.assertTrue(page.is_visible(figure), figure)
        self.assertIn("high ends at a Dice of", page.get_attribute("#overview svg", "aria-label"))

    def test_prints_without_what_paper_cannot_do(self):
        self.write_page(variants=["low", "high"])
        page = self.open_page()
        page.emulate_media(media="print")
        self.assertTrue(page.is_visible("#table1 table"))
        for control in (".chooser", "nav", ".copy"):
            self.assertFalse(page.is_visible(control), control)

    def test_does_not_take_the_place_of_its_database_or_of_what_is_no_file(self):
        self.write_page(variants=["low"])
        before = (self.folder / "r.sqlite").read_bytes()
        (self.folder / "pipe").unlink(missing_ok=True)
        os.mkfifo(self.folder / "pipe")
        for output, said in (("./r.sqlite", "--output ./r.sqlite is the results database itself, expected the name of a page"),
                             ("pipe", "'pipe' is no file that can be replaced, expected the name of one")):
            refused = self.run_runner("page", "--results", "r.sqlite", "--output", output)
            self.assertEqual(refused.returncode, 2, refused.stderr)
            self.assertIn(said, refused.stderr)
        self.assertEqual((self.folder / "r.sqlite").read_bytes(), before)

    def test_to_share_names_nobody(self):
        text = self.write_page("--share", variants=["low", "high"], subjects=["zacharias", "yvonne"], host="gpu-7",
                               command="runner --grid /secret/x.yaml")
        for secret in ("zacharias", "yvonne", "gpu-7", "/secret", str(self.folder)):
            self.assertNotIn(secret, text)
        page = self.open_page()
        self.assertIn("Page to share", page.inner_text("header"))
        self.assertEqual(sorted(self.column(page, "subjects", 1)), ["subject 1", "subject 2"])

    def extremes(self):
        """By variant: (Dice, subject, seed) of each trial's test subjects, rising."""
        found = {}
        for variant, dice, subject, seed in self.query("r.sqlite", """
                select variant, avg(dice), subject, seed from figure2 group by trial, subject order by variant, 2"""):
            found.setdefault(variant, []).append((dice, subject, seed))
        return found

    def test_shows_the_worst_the_median_and_the_best_test_subject_of_each_variant(self):
        self.write_page(variants=["low", "high"], seeds=3, subjects=[*"abcdefg", "<i>h"], drawn=True)
        page = self.open_page()
        for index, (variant, open_at_first) in enumerate((("low", False), ("high", True))):
            details = page.locator("#pictures details").nth(index)
            self.assertEqual(details.locator("summary").inner_text(), variant)
            self.assertEqual(details.locator("img >> nth=0").is_visible(), open_at_first, "the best on validation is open")
            if not open_at_first:
                details.locator("summary").click()
            tested = self.extremes()[variant]
            said = lambda which, row: f"the {which}: {row[1]}, Dice {row[0]:.4f} (seed {row[2]})"
            captions = details.locator("figcaption").all_inner_texts()
            self.assertEqual([captions[0], captions[2]], [said("worst", tested[0]), said("best", tested[-1])])
            # One that a trial has drawn, as near to the middle of all as there is: between those of the single trials.
            middles = [sorted(row for row in tested if row[2] == seed)[3] for seed in (1, 2, 3)]
            self.assertTrue(min(middles)[0] <= float(re.search(r"Dice ([\d.]+)", captions[1])[1]) + 1e-4 <= max(middles)[0] + 2e-4, captions[1])
            for image in details.locator("img").all():
                image.scroll_into_view_if_needed()
                self.assertEqual(image.evaluate("image => image.decode().then(() => image.naturalWidth)"), 90)
        self.assertEqual(len(self.heard), 1, self.heard)

    def test_leaves_pictures_out_that_are_not_there_and_of_a_page_to_share(self):
        self.assertNotIn('id="pictures"', self.write_page(variants=["low"]))
        (self.folder / "r.sqlite").unlink()
        self.assertNotIn("<img", self.write_page("--share", variants=["low"], drawn=True))

    def test_draws_the_same_pictures_as_files(self):
        studies.write(self.folder / "r.sqlite", variants=["low", "high"], seeds=2, subjects=list("abcde"))
        plot = lambda *more: self.run_runner("plot", "slices", "--results", "r.sqlite", "--output", "s", *more)
        self.assertIn("r/pictures': trials draw test subjects at the end of a stage", plot().stderr)
        studies.draw(self.folder / "r.sqlite")
        completed = plot()
        self.assertEqual(completed.returncode, 0, completed.stderr)
        self.assertEqual(completed.stdout.split(), ["s.csv", "s.svg", "s.png", "s.pdf"])
        rows = list(csv.DictReader(io.StringIO((self.folder / "s.csv").read_text())))
        for variant, tested in self.extremes().items():
            mine = [row for row in rows if row["variant"] == variant]
            self.assertEqual([row["which"] for row in mine], ["worst", "median", "best"])
            for row, (dice, subject, seed) in ((mine[0], tested[0]), (mine[2], tested[-1])):
                self.assertEqual((row["subject"], int(row["seed"])), (subject, seed))
                self.assertAlmostEqual(float(row["dice"]), dice, delta=1e-12)  # a mean of two in another order
        self.assertEqual((self.folder / "s.png").read_bytes()[:4], b"\x89PNG")
        self.assertEqual(plot("--variant", "high").returncode, 0)
        self.assertEqual({row["variant"] for row in csv.DictReader(io.StringIO((self.folder / "s.csv").read_text()))}, {"high"})
        self.assertIn("no pictures of variant 'middle', only of 'low', 'high'", plot("--variant", "middle").stderr)

    def test_of_a_thousand_trials_stays_small(self):
        text = self.write_page(variants=[f"variant {v}" for v in range(100)], seeds=10, epochs=20, structures=("A",), subjects=("a", "b"))
        self.assertLess(len(text), 5e6)
        self.assertEqual(len(re.findall('class="trial"', text)), 1000, "each trial is a line")
        scripts = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
        self.assertLess(sum(map(len, scripts)), 400e3)
        page = self.open_page()
        self.assertEqual(page.locator("#table1 tbody tr").count(), 100)


if __name__ == "__main__":
    unittest.main()
