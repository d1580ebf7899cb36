// The picture of layers: one stop of the Tab key, arrows inside, and a line that says what a cell is.
"use strict";

(() => {
  const picture = document.getElementById("layers");
  const detail = document.getElementById("cell-detail");
  if (!picture || !detail) return;
  const rows = [...picture.querySelectorAll("g.band")].map((band) => [...band.querySelectorAll("a")]);
  const pins = [...picture.querySelectorAll("a.pin")];
  if (pins.length) rows.push(pins);
  const cells = rows.flat();
  const words = new Map();
  for (const cell of cells) {
    const title = cell.querySelector("title");
    words.set(cell, title.textContent);
    title.remove(); // the line below says it at once
    cell.setAttribute("tabindex", "-1");
  }
  if (!cells.length) return;
  cells[0].setAttribute("tabindex", "0");

  // Who has come by the keys goes on by the keys: the next picture takes the focus.
  const KEYS = "layers-by-keys";
  const leave = () => sessionStorage.setItem(KEYS, location.pathname);
  const cameByKeys = sessionStorage.getItem(KEYS) === location.pathname;
  sessionStorage.removeItem(KEYS);

  const show = (cell) => { detail.textContent = words.get(cell); };
  const cellOf = (event) => event.target instanceof Element && event.target.closest("a");

  picture.addEventListener("mouseover", (event) => {
    const cell = cellOf(event);
    if (words.has(cell)) show(cell);
  });
  picture.addEventListener("focusin", (event) => {
    const cell = cellOf(event);
    if (!words.has(cell)) return;
    for (const other of cells) other.setAttribute("tabindex", other === cell ? "0" : "-1");
    show(cell);
  });
  picture.addEventListener("keydown", (event) => {
    const cell = cellOf(event);
    const row = rows.findIndex((members) => members.includes(cell));
    if (row < 0 || event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key === "Escape") {
      const above = [...document.querySelectorAll(".crumbs a")].pop();
      if (above) {
        leave();
        above.click();
      }
      event.stopPropagation();
      return;
    }
    if (event.key === "Enter") leave();
    const column = rows[row].indexOf(cell);
    const middle = (other) => { const box = other.getBoundingClientRect(); return box.left + box.width / 2; };
    const nearest = (members) => members.reduce((best, other) =>
      Math.abs(middle(other) - middle(cell)) < Math.abs(middle(best) - middle(cell)) ? other : best);
    const next = {
      ArrowLeft: () => rows[row][column - 1],
      ArrowRight: () => rows[row][column + 1],
      ArrowUp: () => row > 0 && nearest(rows[row - 1]),
      ArrowDown: () => row + 1 < rows.length && nearest(rows[row + 1]),
      Home: () => rows[row][0],
      End: () => rows[row][rows[row].length - 1],
    }[event.key];
    if (!next) return;
    event.preventDefault();
    event.stopPropagation();
    const target = next();
    if (target) target.focus();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || document.activeElement !== document.body) return;
    const above = [...document.querySelectorAll(".crumbs a")].pop();
    if (above) above.click();
  });
  if (cameByKeys) cells[0].focus();
})();
