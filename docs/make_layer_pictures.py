"""Makes the pictures of docs/LAYERS.md: pages of `crystal serve` in a headless Chromium.

    python docs/make_layer_pictures.py

It reads `samples/` into a crystal of its own; Chromium and its driver have to be installed, and the
extras `serve` and `test`.
"""

from __future__ import annotations

import base64
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote

from selenium import webdriver
from selenium.webdriver.chrome.service import Service

ROOT = Path(__file__).parents[1]
QUESTION = quote("What was stuck under the pan of the shopkeeper's scale?")
# Of each picture its file, its address, and whether its colours are those of the dark.
PICTURES = (
    ("layers.png", "/layers", False),
    ("layers-asked.png", f"/layers?q={QUESTION}", True),
)
WIDTH = 1120  # pixels


def main() -> None:
    """Make the pictures."""
    with TemporaryDirectory() as folder:
        crystal = Path(folder) / "samples.crystal"
        command = [sys.executable, "-m", "crystalcli"]
        subprocess.run([*command, "ingest", "-c", str(crystal), str(ROOT / "samples")], check=True)
        serve = [*command, "serve", "-c", str(crystal), "--port", "0", "--no-open", "--no-token"]
        with subprocess.Popen(serve, stdout=subprocess.PIPE, text=True) as server:
            assert server.stdout is not None
            try:
                take_pictures(server.stdout.readline().strip().rstrip("/"))
            finally:
                server.terminate()


def take_pictures(address: str) -> None:
    """Open each page, and keep its upper part: from the path to the end of the picture."""
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or shutil.which("google-chrome") or ""
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"):
        options.add_argument(argument)
    driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
    try:
        size = {"width": WIDTH, "height": 1000, "deviceScaleFactor": 1, "mobile": False}
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        for name, path, is_dark in PICTURES:
            scheme = {"name": "prefers-color-scheme", "value": "dark" if is_dark else "light"}
            driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
            driver.get(address + path)
            end = driver.execute_script("return document.querySelector('.legend').getBoundingClientRect().bottom")
            clip = {"x": 0, "y": 0, "width": WIDTH, "height": end + 10, "scale": 1}
            shot = driver.execute_cdp_cmd("Page.captureScreenshot", {"clip": clip, "captureBeyondViewport": True})
            (ROOT / "docs" / name).write_bytes(base64.b64decode(shot["data"]))
    finally:
        driver.quit()


if __name__ == "__main__":
    main()
