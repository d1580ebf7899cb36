"""Makes the pictures of docs/SERVE.md and docs/LAYERS.md: `crystal serve` in headless Chromium.

    python docs/make_pictures.py [NAME.png ...]

It reads `samples/` into a crystal of its own. Chromium and its driver have to be installed, the
extras `serve` and `test`, and the language model qwen-0.5b (`crystal models pull qwen-0.5b`).
"""

from __future__ import annotations

import base64
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

ROOT = Path(__file__).parents[1]
SPILL = "Why may detergent not be used on an oil spill in the harbour?"
SCALE = "What was stuck under the pan of the shopkeeper's scale?"
WIDTH, HEIGHT = 1120, 760  # pixels
PATIENCE = 900  # seconds that an answer may take on a busy machine


@dataclass(frozen=True)
class Picture:
    """A picture of a page.

    Attributes:
        name: Its file in docs.
        path: The address of the page.
        dark: Whether its colours are those of the dark.
        width: Of the window, in pixels.
        height: Of the picture, unless `end` is given.
        ready: A selector of what is there when the page is ready.
        end: A selector of the last element that is shown; "": the window as it is.
        typed: What is typed into the box.
    """

    name: str
    path: str
    dark: bool = False
    width: int = WIDTH
    height: int = HEIGHT
    ready: str = "main"
    end: str = ""
    typed: str = ""


PICTURES = (
    Picture("serve-ask.png", f"/ask?q={quote(SPILL)}", ready=".made"),
    Picture("serve-typed.png", "/", typed="harbour mas", ready="#typed mark", dark=True, height=640),
    Picture("serve-pdf.png", "/ask", height=820),  # the address comes from the first source
    Picture("serve-narrow.png", "/documents", dark=True, width=390, height=640),
    Picture("layers.png", "/layers", end=".legend"),
    Picture("layers-asked.png", f"/layers?q={quote(SCALE)}", dark=True, end=".legend"),
)


def main() -> None:
    """Make the pictures that are named, or all of them."""
    wanted = [picture for picture in PICTURES if picture.name in sys.argv[1:] or not sys.argv[1:]]
    with TemporaryDirectory() as folder:
        crystal = Path(folder) / "samples.crystal"
        command = [sys.executable, "-m", "crystalcli"]
        subprocess.run([*command, "ingest", "-c", str(crystal), str(ROOT / "samples")], check=True)
        options = ("--port", "0", "--no-open", "--no-token", "--model", "qwen-0.5b")
        with subprocess.Popen(
            [*command, "serve", "-c", str(crystal), *options], stdout=subprocess.PIPE, text=True
        ) as server:
            assert server.stdout is not None
            try:
                take_pictures(server.stdout.readline().strip().rstrip("/"), wanted)
            finally:
                server.terminate()


def take_pictures(address: str, pictures: list[Picture]) -> None:
    """Open each page, wait until it is ready, and keep what is seen of it."""
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or shutil.which("google-chrome") or ""
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"):
        options.add_argument(argument)
    driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
    try:
        for picture in pictures:
            take_picture(driver, address, picture)
    finally:
        driver.quit()


def take_picture(driver: webdriver.Chrome, address: str, picture: Picture) -> None:
    """Open a page and keep its picture."""
    size = {"width": picture.width, "height": picture.height, "deviceScaleFactor": 1, "mobile": False}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    scheme = {"name": "prefers-color-scheme", "value": "dark" if picture.dark else "light"}
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
    wait = WebDriverWait(driver, PATIENCE)
    if picture.name == "serve-pdf.png":
        driver.get(f"{address}/ask?q={quote(SPILL)}")
        wait.until(lambda page: page.find_elements(By.CSS_SELECTOR, ".sources a"))
        driver.get(driver.find_elements(By.CSS_SELECTOR, ".sources a")[0].get_attribute("href") or "")
        wait.until(lambda page: page.execute_script("return scrollY > 300"))
    else:
        driver.get(address + picture.path)
        if picture.typed:
            driver.find_element(By.ID, "box").send_keys(picture.typed)
        wait.until(lambda page: page.find_elements(By.CSS_SELECTOR, picture.ready))
    clip = {"x": 0, "y": driver.execute_script("return scrollY"), "width": picture.width, "height": picture.height}
    if picture.end:
        bottom = driver.execute_script(f"return document.querySelector('{picture.end}').getBoundingClientRect().bottom")
        clip["height"] = bottom + 10
    shot = driver.execute_cdp_cmd(
        "Page.captureScreenshot", {"clip": {**clip, "scale": 1}, "captureBeyondViewport": True}
    )
    (ROOT / "docs" / picture.name).write_bytes(base64.b64decode(shot["data"]))


if __name__ == "__main__":
    main()
