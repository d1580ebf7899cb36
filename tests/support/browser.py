"""A headless Chromium, driven by Selenium; tests that need it are skipped where it is not installed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from typing import Any

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

from support.waiting import until

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
DRIVER = shutil.which("chromedriver")
IS_HERE = CHROMIUM is not None and DRIVER is not None
NOT_HERE = "Chromium and its driver are not here: apt-get install chromium chromium-driver"


class Browser:
    """A browser with one window. `close` ends it."""

    def __init__(self) -> None:
        os.environ["SE_OFFLINE"] = "true"  # Selenium fetches nothing
        options = webdriver.ChromeOptions()
        options.binary_location = CHROMIUM or ""
        for argument in (
            "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
            "--disable-background-networking", "--disable-component-update", "--no-first-run",
        ):  # fmt: skip
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=Service(DRIVER))
        self.driver.set_page_load_timeout(120)
        self.show(1280, 900)

    def close(self) -> None:
        self.driver.quit()

    def show(self, width: int, height: int, *, dark: bool = False) -> None:
        """Take a window of this size, in a light or a dark scheme."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})

    def open(self, address: str) -> None:
        self.driver.get(address)

    @property
    def address(self) -> str:
        return str(self.driver.current_url)

    def run(self, script: str, *values: object) -> Any:
        return self.driver.execute_script(f"return {script}", *values)

    def find(self, selector: str) -> WebElement:
        """The first element; it may take a while to come."""
        until(lambda: self.all(selector))
        return self.all(selector)[0]

    def all(self, selector: str) -> list[WebElement]:
        return list(self.driver.find_elements(By.CSS_SELECTOR, selector))

    def press(self, keys: str) -> None:
        """Press keys where the focus is, once the page is there."""
        until(lambda: self.run("document.readyState === 'complete'"))
        self.driver.switch_to.active_element.send_keys(keys)

    def until(self, condition: Callable[[], object]) -> None:
        until(condition)

    def focus(self) -> str:
        """What has the focus: its id, or its text."""
        return str(self.run("document.activeElement.id || document.activeElement.textContent.trim()"))

    def is_in_view(self, selector: str) -> bool:
        script = (
            "(() => { const box = document.querySelector(arguments[0])?.getBoundingClientRect();"
            " return !!box && box.height > 0 && box.top >= 0 && box.top < innerHeight; })()"
        )
        return bool(self.driver.execute_script(f"return {script.replace('arguments[0]', repr(selector))}"))

    def complaints(self) -> list[str]:
        """What the browser has written to its console since the last call: errors, and breaches of the policy."""
        return [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]

    def hosts(self) -> set[str]:
        """The hosts that the page has loaded anything from."""
        names = self.run("performance.getEntriesByType('resource').map((entry) => new URL(entry.name).host)")
        return set(names)
