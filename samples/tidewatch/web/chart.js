// Draws a tidewatch JSON report as an SVG: prediction thin, observation thick,
// thresholds as dashed lines. No framework: the hut's web server has one page.

const WIDTH = 900;
const HEIGHT = 320;
const MARGIN = { left: 48, right: 12, top: 12, bottom: 28 };
const COLOURS = { watch: "#c9a000", warning: "#d26a00", severe: "#b3001b" };
const REFRESH_MS = 120000; // two minutes: a third of the gauge's interval

// The vertical axis always runs over at least this range (mm), so that a quiet
// day does not look as dramatic as a storm.
const MIN_RANGE = [0, 5200];

function scales(points) {
  const heights = points.flatMap((p) => [p[1], p[2]]).filter((h) => h !== null);
  const low = Math.min(MIN_RANGE[0], ...heights);
  const high = Math.max(MIN_RANGE[1], ...heights);
  const first = points[0][0];
  const span = points[points.length - 1][0] - first || 1;
  return {
    x: (t) => MARGIN.left + ((t - first) / span) * (WIDTH - MARGIN.left - MARGIN.right),
    y: (h) => HEIGHT - MARGIN.bottom - ((h - low) / (high - low)) * (HEIGHT - MARGIN.top - MARGIN.bottom),
  };
}

// A null height lifts the pen: a hole in the record must look like one.
function pathFor(points, column, scale) {
  let pen = "M";
  let path = "";
  for (const p of points) {
    if (p[column] === null) {
      pen = "M";
      continue;
    }
    path += `${pen}${scale.x(p[0]).toFixed(1)},${scale.y(p[column]).toFixed(1)}`;
    pen = "L";
  }
  return path;
}

function draw(report) {
  const scale = scales(report.points);
  const right = WIDTH - MARGIN.right;
  const lines = Object.entries(report.thresholds).map(([name, level]) =>
    `<path d="M${MARGIN.left},${scale.y(level)}H${right}" stroke="${COLOURS[name]}" stroke-dasharray="6 4"/>`);
  const hours = report.points
    .filter((p) => p[0] % 10800 === 0) // a label every three hours, in UTC
    .map((p) => {
      const label = new Date(p[0] * 1000).toISOString().slice(11, 16);
      return `<text x="${scale.x(p[0])}" y="${HEIGHT - 8}" text-anchor="middle" font-size="11">${label}</text>`;
    });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" fill="none">`,
    ...lines,
    `<path d="${pathFor(report.points, 2, scale)}" stroke="#7a8a99" stroke-width="1"/>`,
    `<path d="${pathFor(report.points, 1, scale)}" stroke="#003b6f" stroke-width="2.5"/>`,
    `<g fill="#333">${hours.join("")}</g></svg>`,
  ].join("");
}

async function refresh(element, url) {
  const answer = await fetch(url, { cache: "no-store" });
  if (answer.ok) element.innerHTML = draw(await answer.json());
  // A failed refresh keeps the old picture; its time labels show its age.
}

if (typeof document !== "undefined") {
  const element = document.getElementById("tide");
  refresh(element, "HLB.json");
  setInterval(() => refresh(element, "HLB.json"), REFRESH_MS);
} else {
  module.exports = { scales, pathFor, draw };
}
