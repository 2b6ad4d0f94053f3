// format.js: numbers as people read them, and round numbers for axes. The same rules as wording.cpp.
// Pure functions: tests/unit/sim_report/test_page.mjs runs them without a browser.

const narrowSpace = "\u202f";

function grouped(whole) {
  return String(whole).replace(/\B(?=(\d{3})+$)/g, narrowSpace);
}

function threeDigits(number) {
  const size = Math.abs(number);
  const text = number.toFixed(size < 10 ? 2 : size < 100 ? 1 : 0);
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}

function inNumber(number) {
  if (number === null || !Number.isFinite(number)) return "–";
  if (Math.abs(number) < 100) return threeDigits(number);
  return number < 0 ? "-" + inNumber(-number) : grouped(Math.round(number).toFixed(0));
}

function inMilliseconds(ms) {
  if (ms === null || !Number.isFinite(ms)) return "–";
  if (ms < 999.5) return threeDigits(ms) + " ms";
  if (ms < 99950) return threeDigits(ms / 1e3) + " s";
  return threeDigits(ms / 60e3) + " min";
}

function inSeconds(seconds) {
  if (seconds === null || !Number.isFinite(seconds)) return "–";
  if (seconds < 99.95) return threeDigits(seconds) + " s";
  const whole = Math.round(seconds);
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return minutes + " min" + (whole % 60 ? ` ${whole % 60} s` : "");
  return grouped(Math.floor(minutes / 60)) + " h" + (minutes % 60 ? ` ${minutes % 60} min` : "");
}

/// An instant, as exactly as it is known: "421.125 s".
function inExactSeconds(seconds) {
  return seconds === null ? "–" : Number(seconds.toFixed(3)) + " s";
}

function inBytes(bytes) {
  if (bytes === null || !Number.isFinite(bytes)) return "–";
  const units = ["B", "kB", "MB", "GB", "TB", "PB"];
  let unit = 0;
  for (; bytes >= 999.5 && unit + 1 < units.length; ++unit) bytes /= 1000;
  return threeDigits(bytes) + " " + units[unit];
}

function inPercent(share) {
  if (!Number.isFinite(share)) return "–";
  if (share > 0 && share < 0.001) return "< 0.1 %";
  if (share < 1 && share > 0.999) return "> 99.9 %";
  return threeDigits(Math.round(share * 1000) / 10) + " %";
}

/// A value of a series with its unit: "812/s", "1.2 MB/s", "17".
function inUnit(value, unit) {
  if (value === null || !Number.isFinite(value)) return "–";
  if (unit === "B" || unit.startsWith("B/")) return inBytes(value) + unit.slice(1);
  if (unit === "ms") return inMilliseconds(value);
  if (unit.startsWith("1/")) return inNumber(value) + unit.slice(1);
  return inNumber(value) + (unit ? " " + unit : "");
}

/// A number at a tick: short, as its neighbours tell the rest.
function onAxis(value) {
  const units = ["", " k", " M", " G", " T"];
  let unit = 0;
  for (; Math.abs(value) >= 10000 && unit + 1 < units.length; ++unit) value /= 1000;
  if (unit > 0 || Math.abs(value) < 1000) return Number(value.toPrecision(6)) + units[unit];
  return grouped(value);
}

/// The smallest of 1, 2 or 5 times a power of ten that is not below `least`.
function roundStep(least) {
  const power = Math.pow(10, Math.floor(Math.log10(least)));
  for (const factor of [1, 2, 5]) if (factor * power >= least * (1 - 1e-9)) return factor * power;
  return 10 * power;
}

/// Ticks from 0 to the first round number that is not below `max`: about `count` of them.
function ticksUpTo(max, count, wholeNumbers = false) {
  if (!(max > 0)) max = 1;
  let step = roundStep(max / count);
  if (wholeNumbers) step = Math.max(1, step);
  const ticks = [];
  for (let i = 0; ; ++i) {
    ticks.push(Number((i * step).toPrecision(12)));
    if (i * step >= max * (1 - 1e-9)) return ticks;
  }
}

/// Ticks of a time axis from 0 to `end` seconds, at most `count`, in the unit that suits them.
function timeTicks(end, count) {
  const units = [
    {name: "s", seconds: 1, last: 180, steps: [1, 2, 5, 10, 15, 20, 30, 60]},
    {name: "min", seconds: 60, last: 3 * 3600, steps: [0.5, 1, 2, 5, 10, 15, 20, 30, 60]},
    {name: "h", seconds: 3600, last: 72 * 3600, steps: [0.5, 1, 2, 3, 6, 12, 24]},
    {name: "d", seconds: 86400, last: Infinity, steps: [0.5, 1, 2, 5, 7, 14, 28]},
  ];
  const unit = units.find((candidate) => end <= candidate.last);
  const length = end / unit.seconds;
  let step = unit.steps.find((candidate) => length / candidate <= count);
  if (unit.name === "s" && length <= 5) step = roundStep(Math.max(length, 1e-6) / count);
  if (step === undefined) step = roundStep(length / count);
  const ticks = [];
  for (let i = 0; i * step <= length * (1 + 1e-9); ++i) {
    const value = Number((i * step).toPrecision(12));
    ticks.push({at: value * unit.seconds, text: onAxis(value)});
  }
  return {unit: unit.name, ticks};
}

/// Ticks of a logarithmic axis of milliseconds: decades always, 2 and 5 between them named if `dense`.
function logTicks(from, to, dense) {
  const ticks = [];
  for (let decade = Math.floor(Math.log10(from)) - 1; decade <= Math.ceil(Math.log10(to)); ++decade) {
    for (let digit = 1; digit < 10; ++digit) {
      const ms = Number((digit * Math.pow(10, decade)).toPrecision(12));
      if (ms < from * (1 - 1e-9) || ms > to * (1 + 1e-9)) continue;
      const named = digit === 1 || (dense && (digit === 2 || digit === 5));
      ticks.push({at: ms, text: named ? tickOfMilliseconds(ms) : ""});
    }
  }
  return ticks;
}

/// "20 ms", "5 s", "1000 s": a decade looks like a decade.
function tickOfMilliseconds(ms) {
  if (ms < 1) return Number((ms * 1000).toPrecision(3)) + " µs";
  if (ms < 1000) return ms + " ms";
  return grouped(ms / 1000) + " s";
}
