"""Opens a report in headless Chromium and checks what it shows against the JSON that it holds.

    python check.py REPORT.html [--screenshots DIR]

Sections and charts are those that the JSON has data for; each chart has marks, a title, a description, a table of its figures,
and is reached by the keyboard; nothing is too wide, says NaN or undefined, asks the network, or writes to the console. At 360,
768 and 1280 points, light and dark, and as it is printed; screenshots and a PDF of these go to DIR.

Ends with 1 and what is wrong, or with 77 where there is no browser: it needs selenium (pip) and chromium with its driver (apt).
"""

import argparse
import base64
import json
import os
import re
import shutil
import sys
import time
from pathlib import Path

try:
    from selenium import webdriver
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys
except ModuleNotFoundError:
    print("check.py: there is no selenium")
    sys.exit(77)

STRUCTURE = """
const named = id => document.getElementById(id)?.textContent ?? "";
const beyond = (text, card) => { const a = text.getBoundingClientRect(), b = card.getBoundingClientRect();
  return a.right > b.right + 1 || a.left < b.left - 1; };
return {
  charts: [...document.querySelectorAll("figure")].map(f => { const drawing = f.querySelector("svg"); return {
    name: f.querySelector("h3").textContent, section: f.closest("section").id, role: drawing.getAttribute("role"),
    labels: (drawing.getAttribute("aria-labelledby") ?? "").split(" ").map(named),
    marks: f.querySelectorAll("rect,circle,path.line,line.tick").length, texts: f.querySelectorAll("svg text").length,
    hit: f.querySelector(".hit")?.tabIndex, broken: /NaN|undefined|Infinity/.test(drawing.outerHTML),
    spill: [...f.querySelectorAll("svg text")].filter(text => beyond(text, f)).map(text => text.textContent) }; }),
  sections: [...document.querySelectorAll("section")].map(one => one.id),
  links: [...document.querySelectorAll("nav a")].map(one => one.getAttribute("href").slice(1)),
  overflow: document.documentElement.scrollWidth - innerWidth,
  unnamed: [...document.querySelectorAll("button,input,select,a,[tabindex='0']")].filter(one => !(one.textContent.trim()
    || one.getAttribute("aria-label") || one.labels?.length)).length,
  ids: [...document.querySelectorAll("[id]")].map(one => one.id).filter((id, i, all) => all.indexOf(id) !== i),
  lists: document.querySelectorAll("#samples ol").length, headings: document.querySelectorAll("h1").length,
  verdict: document.querySelectorAll(".verdict li").length, text: document.body.innerText };
"""


def expected(report: dict) -> dict[str, int]:
    """Sections that the JSON has data for, with their numbers of charts."""
    if "expansion" in report:
        return {"summary": 0, "popularity": 2, "activity": 2, "spectrum": 1, "reproduce": 0}
    runs = report["runs"]
    main, drawn = runs[0], runs[:6]
    curves = {re.sub("^(val|train)_", "", name) for run in drawn for epoch in run.get("epochs", []) for name in epoch}
    data, popular = report.get("data"), main.get("quality_by_popularity")
    quality = [main.get("quality_by_activity"), popular, popular]
    sections = {"summary": 0, "compare": 0, "curves": min(6, len(curves - {"epoch", "seconds"})), "data": 0,
                "quality": sum(bool(part and part["bins"]) for part in quality),
                "coverage": 3 if any(run.get("coverage") for run in runs) else 0,
                "map": 1 if any(run.get("map") for run in runs) else 0, "samples": 0, "reproduce": 0}
    if data:
        sections["data"] = 3 + (len((data.get("values") or {}).get("histogram", [])) > 1)
    kept = {"summary", "reproduce", len(runs) > 1 and "compare", bool(report.get("samples")) and "samples"}
    return {name: charts for name, charts in sections.items() if charts or name in kept}


class Check:
    """A browser with the report, and what was found wrong with it."""

    def __init__(self, page: Path, shots: Path | None):
        self.page, self.shots, self.failures = page, shots, []
        text = page.read_text(encoding="utf-8")
        held = re.search(r'<script[^>]*type="application/json"[^>]*>(.*?)</script>', text, re.S).group(1)
        self.report = json.loads(held)
        self.expect("<" not in held, "the JSON has a “<”, which may end its element")
        options = webdriver.ChromeOptions()
        for flag in ("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
                     "--host-resolver-rules=MAP * ~NOTFOUND"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        browsers = [shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome")]
        driver = shutil.which("chromedriver")
        if not driver or not any(browsers):
            print("check.py: there is no chromium with its driver")
            sys.exit(77)
        options.binary_location = next(filter(None, browsers))
        os.environ["SE_OFFLINE"] = "true"
        self.browser = webdriver.Chrome(options, webdriver.ChromeService(driver))

    def expect(self, truth: bool, message: str) -> None:
        if not truth:
            self.failures.append(message)
            print("FAILED:", message)

    def script(self, text: str, *arguments):
        return self.browser.execute_script(text, *arguments)

    def open(self, width: int, scheme: str) -> None:
        metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        self.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        scheme = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
        self.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", scheme)
        self.browser.get(self.page.as_uri())
        time.sleep(0.3)

    def quiet(self, what: str) -> None:
        """Nothing on the console, no request to anywhere."""
        said = [one["message"] for one in self.browser.get_log("browser")]
        self.expect(not said, f"{what}: the console says {said}")
        events = [json.loads(one["message"])["message"] for one in self.browser.get_log("performance")]
        asked = [one["params"]["request"]["url"] for one in events if one["method"] == "Network.requestWillBeSent"]
        asked = [one for one in asked if not one.startswith(("file:", "data:"))]
        self.expect(not asked, f"{what}: asks the network for {asked}")

    def structure(self, what: str) -> None:
        found, wanted = self.script(STRUCTURE), expected(self.report)
        self.expect(found["sections"] == list(wanted), f"{what}: sections {found['sections']}, not {list(wanted)}")
        self.expect(found["links"] == found["sections"], f"{what}: the contents do not name the sections")
        for section, number in wanted.items():
            drawn = [one["name"] for one in found["charts"] if one["section"] == section]
            self.expect(len(drawn) == number, f"{what}: {number} charts should be in {section}, there are {drawn}")
        for one in found["charts"]:
            name = f"{what}, “{one['name']}”"
            self.expect(one["role"] == "img" and len(one["labels"]) == 2 and all(one["labels"]), f"{name}: labels")
            self.expect(one["marks"] >= 1 and one["texts"] >= 1, f"{name}: {one['marks']} marks, {one['texts']} texts")
            self.expect(one["hit"] == 0, f"{name}: not reached by the keyboard")
            self.expect(not one["broken"], f"{name}: NaN or undefined in it")
            self.expect(not one["spill"], f"{name}: text leaves the card: {one['spill']}")
        lists = sum(len(one["lists"]) for one in self.report.get("samples", []))
        self.expect(found["lists"] == lists, f"{what}: {found['lists']} lists of samples, not {lists}")
        self.expect(found["verdict"] > 0 or "expansion" in self.report, f"{what}: no verdict")
        self.expect(found["overflow"] <= 0, f"{what}: {found['overflow']} points too wide")
        self.expect(found["unnamed"] == 0, f"{what}: {found['unnamed']} controls without a name")
        self.expect(not found["ids"], f"{what}: ids twice: {found['ids']}")
        self.expect(found["headings"] == 1, f"{what}: {found['headings']} h1")
        self.expect(not re.search("undefined|NaN", found["text"]), f"{what}: undefined or NaN in the text")

    def shot(self, name: str) -> None:
        if self.shots is None:
            return
        size = self.browser.execute_cdp_cmd("Page.getLayoutMetrics", {})["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}
        shot = self.browser.execute_cdp_cmd("Page.captureScreenshot", {"captureBeyondViewport": True, "clip": clip})
        (self.shots / name).write_bytes(base64.b64decode(shot["data"]))

    def keyboard(self) -> None:
        """Arrow keys walk through each chart and say its figures; behind each is a table of them."""
        for number, hit in enumerate(self.browser.find_elements(By.CSS_SELECTOR, ".hit")):
            self.script("arguments[0].focus({focusVisible: true})", hit)
            said = []
            for key in (Keys.ARROW_RIGHT, Keys.ARROW_RIGHT):
                hit.send_keys(key)
                said.append(self.script("return document.getElementById('live').textContent"))
            tip = self.script("const tip = document.getElementById('tip'); return tip.hidden ? '' : tip.textContent")
            self.expect(bool(tip) and tip == said[-1], f"chart {number + 1}: arrow keys show nothing")
            hit.send_keys(Keys.ESCAPE)
        for details in self.browser.find_elements(By.CSS_SELECTOR, "figure details"):
            self.script("arguments[0].open = true", details)
        time.sleep(0.3)
        rows = self.script("return [...document.querySelectorAll('figure details')].map("
                           "one => one.querySelectorAll('tbody tr').length)")
        self.expect(all(rows), f"charts without a table of figures: {rows}")

    def search(self) -> None:
        """The map finds an item by its title."""
        for box in self.browser.find_elements(By.CSS_SELECTOR, "input[type=search]"):
            items = next(run["map"] for run in self.report["runs"] if run.get("map"))
            wanted = items["title"][len(items["title"]) // 2]
            box.send_keys(wanted)
            tip = self.script("return document.getElementById('tip').textContent")
            self.expect(wanted in tip, f"the search for {wanted} shows {tip}")

    def run(self) -> int:
        try:
            for width in (360, 768, 1280):
                for scheme in ("light", "dark"):
                    self.open(width, scheme)
                    self.structure(f"{width} {scheme}")
                    self.quiet(f"{width} {scheme}")
                    self.shot(f"{width}-{scheme}.png")
            self.keyboard()
            self.open(1280, "light")
            self.search()
            self.quiet("keyboard and search")
            pdf = self.browser.execute_cdp_cmd("Page.printToPDF", {"printBackground": True, "preferCSSPageSize": True})
            if self.shots is not None:
                (self.shots / "print.pdf").write_bytes(base64.b64decode(pdf["data"]))
            self.quiet("print")
        finally:
            self.browser.quit()
        return 1 if self.failures else 0


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("report", type=Path)
    parser.add_argument("--screenshots", type=Path)
    arguments = parser.parse_args()
    if arguments.screenshots:
        arguments.screenshots.mkdir(parents=True, exist_ok=True)
    return Check(arguments.report.resolve(), arguments.screenshots).run()


if __name__ == "__main__":
    sys.exit(main())
