#!/usr/bin/env python3
"""Opens the page of `hemp report` in a headless browser: report_in_browser.py HEMP.

Every chart that the report says it drew must be there and be seen, no text may leave its chart, every picture must
load, and nothing may fail or be asked for elsewhere; in light and in dark. Ends with 77 where there is no browser.
"""
import html
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

# The page itself has no script: a copy is given one that looks at it and leaves what it saw in the title.
PROBE = """<script>
const problems = [];
addEventListener('error', event => problems.push('error: ' + (event.message || event.target.outerHTML.slice(0, 80))), true);
addEventListener('securitypolicyviolation', event => problems.push('asked for ' + event.blockedURI));
addEventListener('load', () => {
  const charts = [];
  for (const figure of document.querySelectorAll('figure[id]')) {
    const svg = figure.querySelector('svg'), box = svg.getBoundingClientRect();
    const marks = [...svg.querySelectorAll('circle, rect, polyline')].filter(mark => mark.getBoundingClientRect().height > 0);
    if (box.width < 100 || box.height < 15 || marks.length == 0) problems.push(figure.id + ': nothing to see');
    for (const text of svg.querySelectorAll('text')) {
      const inner = text.getBoundingClientRect();
      if (inner.left < box.left - 1 || inner.right > box.right + 1 || inner.top < box.top - 1 || inner.bottom > box.bottom + 1)
        problems.push(figure.id + ': "' + text.textContent + '" leaves the chart');
    }
    charts.push(figure.id);
  }
  for (const image of document.images) if (!image.naturalWidth) problems.push('a picture does not load');
  if (document.documentElement.scrollWidth > innerWidth + 1) problems.push('the page is wider than the window');
  const style = getComputedStyle(document.body);
  document.title = JSON.stringify({charts, problems, pictures: document.images.length, ground: style.backgroundColor, ink: style.color});
});
</script>"""


def seen(browser, page, folder, dark):
    """What the probe saw of the page."""
    content = page.read_text()
    policy = "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; " \
             "style-src 'unsafe-inline'; script-src 'unsafe-inline'\">"
    copy = folder / "probed.html"
    copy.write_text(content.replace("<head>", "<head>" + policy + PROBE, 1))
    command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=1100,900",
               f"--user-data-dir={folder / 'profile'}", "--virtual-time-budget=5000", "--dump-dom"]
    if dark:
        command.append("--blink-settings=preferredColorScheme=0")
    dom = subprocess.run(command + [copy.as_uri()], capture_output=True, text=True, timeout=300, check=True).stdout
    title = re.search(r"<title>(\{.*?\})</title>", dom, re.S)
    assert title, f"{page}: the browser did not come to the end of the page"
    return json.loads(html.unescape(title.group(1)))


def main():
    hemp = pathlib.Path(sys.argv[1]).resolve()
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if browser is None:
        print("MESSAGE: skipped: there is no browser; install chromium to open the report in one")
        sys.exit(77)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        run = lambda *arguments: subprocess.run([hemp, *map(str, arguments), "--quiet"], check=True, cwd=folder,
                                                capture_output=True, text=True).stdout
        run("train", "lenet300", "--data", "digits", "--epochs", 2, "--batch", 500, "--out", "float")
        run("compress", "float", "--data", "digits", "--epochs", 2, "--batch", 500, "--order", 1, "--target-bytes", 200000,
            "--rounds", 2, "--out", "search", "-o", "search.hemp")
        for which, needed in (("float", {"loss", "accuracy", "values-0", "confusion"}),
                              ("search", {"loss", "accuracy", "bits", "bytes", "path", "tensors", "values-0", "confusion"})):
            told = json.loads(run("report", which, "--json"))
            assert needed <= set(told["charts"]), f"{which}: charts {told['charts']}"
            page = folder / which / "report.html"
            assert "<script" not in page.read_text(), "the page has a script"
            assert not re.search(r"(src|href)=\"(?!data:)", page.read_text()), "the page asks for something elsewhere"
            grounds = set()
            for dark in (False, True):
                look = seen(browser, page, folder, dark)
                assert not look["problems"], f"{which}: {look['problems']}"
                assert look["charts"] == told["charts"], f"{which}: {look['charts']} for {told['charts']}"
                assert look["pictures"] > 0, f"{which}: no mistake is shown"
                grounds.add((look["ground"], look["ink"]))
            assert len(grounds) == 2, f"{which}: light and dark look the same: {grounds}"
            print(f"{which}: {len(told['charts'])} charts and {look['pictures']} pictures are seen, in light and dark")


if __name__ == "__main__":
    main()
