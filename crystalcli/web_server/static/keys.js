// Keys: "/" goes to the box, the arrows go through results, Escape goes back.
"use strict";
(() => {
  const box = () => document.getElementById("box");
  const typed = () => document.getElementById("typed");
  const hits = () => [...document.querySelectorAll("a.hit")].filter((link) => link.offsetParent !== null);
  const writes = (element) => element.matches("input, textarea, select, [contenteditable]");

  function move(step, event) {
    const links = hits();
    const place = links.indexOf(document.activeElement);
    if (place < 0 && document.activeElement !== box() && document.activeElement !== document.body) return;
    if (!links.length) return;
    event.preventDefault();
    const next = place + step;
    if (next < 0) box()?.focus();
    else links[Math.min(next, links.length - 1)].focus();
  }

  function back(event) {
    const field = box();
    if (field && typed()?.childElementCount) {
      field.value = field.defaultValue;
      typed().replaceChildren();
      field.focus();
    } else if (field && document.activeElement !== field && hits().includes(document.activeElement)) {
      field.focus();
    } else if (field && document.activeElement === field && field.value !== field.defaultValue) {
      field.value = field.defaultValue;
    } else if (field && document.activeElement === field) {
      field.blur();
    } else if (!field) {
      if (document.referrer.startsWith(location.origin)) history.back();
      else location.assign("/");
    } else {
      return;
    }
    event.preventDefault();
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.key === "/" && !writes(event.target)) {
      event.preventDefault();
      if (box()) {
        box().focus();
        box().select();
      } else {
        location.assign("/");
      }
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      if (!writes(event.target) || event.target === box()) move(event.key === "ArrowDown" ? 1 : -1, event);
    } else if (event.key === "Escape") {
      back(event);
    }
  });

  // The passage on the picture of a page comes into view when both are known.
  async function showMark(picture) {
    const answer = await fetch(picture.dataset.mark);
    if (!answer.ok) return;
    const { top } = await answer.json();
    if (top === null) return;
    await picture.decode();
    if (picture.getBoundingClientRect().top < 0) return; // the reader has scrolled on
    scrollTo({ top: picture.getBoundingClientRect().top + scrollY + top * picture.height - 0.35 * innerHeight });
  }

  document.addEventListener("DOMContentLoaded", () => {
    for (const picture of document.querySelectorAll("img[data-mark]")) showMark(picture).catch(() => {});
    const wide = matchMedia("(min-width: 64rem)").matches;
    for (const filters of document.querySelectorAll("details.facets")) filters.open = wide;
    for (const contents of document.querySelectorAll("details.contents")) {
      contents.open = wide;
      const current = contents.querySelector("[aria-current]");
      if (wide && current) contents.querySelector("nav").scrollTop = current.offsetTop - 120;
    }
  });
})();
