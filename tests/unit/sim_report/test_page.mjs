// The pure functions of the report's page (simulations/report/page), run without a browser.
// Usage: node test_page.mjs; exit status 1 if a check fails.
import assert from "node:assert/strict";
import {readFileSync} from "node:fs";
import {test} from "node:test";
import vm from "node:vm";

const folder = new URL("../../../simulations/report/page/", import.meta.url);
const names = ["format.js", "timeline.js", "layout.js"];
const exported = ["ticksUpTo", "timeTicks", "logTicks", "inUnit", "inMilliseconds", "inSeconds", "inBytes", "inPercent", "inExactSeconds",
  "onAxis", "plotsOf", "thinned", "linePath", "bandPath", "faultLevels", "faultDensity", "namedFaults", "faultsAt", "forceLayout"];
const page = vm.runInNewContext(`${names.map((name) => readFileSync(new URL(name, folder), "utf8")).join("\n")}\n({${exported}})`);
/// Values of the other realm as ours.
const plain = (value) => JSON.parse(JSON.stringify(value));

test("ticks stand on round numbers and reach beyond the largest value", () => {
  assert.deepEqual(plain(page.ticksUpTo(347, 4)), [0, 100, 200, 300, 400]);
  assert.deepEqual(plain(page.ticksUpTo(0.4, 4)), [0, 0.1, 0.2, 0.3, 0.4]);
  assert.deepEqual(plain(page.ticksUpTo(1, 5, true)), [0, 1]);
  assert.deepEqual(plain(page.ticksUpTo(0, 4)), [0, 0.5, 1]);
  for (let max = 1e-4; max < 1e12; max *= 1.37) {
    const ticks = plain(page.ticksUpTo(max, 5));
    assert.ok(ticks.at(-1) >= max * (1 - 1e-9) && ticks.length >= 2 && ticks.length <= 7, `${max}: ${ticks}`);
  }
});

test("a time axis has the unit that suits it, and not too many ticks", () => {
  assert.deepEqual(plain(page.timeTicks(60, 7)).ticks.map((tick) => tick.text), ["0", "10", "20", "30", "40", "50", "60"]);
  assert.equal(page.timeTicks(60, 7).unit, "s");
  assert.equal(page.timeTicks(900, 10).unit, "min");
  assert.deepEqual(plain(page.timeTicks(900, 3)).ticks.map((tick) => tick.at), [0, 300, 600, 900]);
  assert.equal(page.timeTicks(5 * 3600, 10).unit, "h");
  assert.equal(page.timeTicks(30 * 86400, 10).unit, "d");
  for (let end = 0.01; end < 1e9; end *= 1.7) {
    const {ticks} = plain(page.timeTicks(end, 8));
    assert.ok(ticks.length >= 2 && ticks.length <= 9 && ticks.at(-1).at <= end * 1.001, `${end}: ${JSON.stringify(ticks)}`);
  }
});

test("a logarithmic axis names its decades", () => {
  const named = plain(page.logTicks(3, 2500, false)).filter((tick) => tick.text).map((tick) => tick.text);
  assert.deepEqual(named, ["10 ms", "100 ms", "1 s"]);
  const dense = plain(page.logTicks(3, 60, true)).filter((tick) => tick.text).map((tick) => tick.text);
  assert.deepEqual(dense, ["5 ms", "10 ms", "20 ms", "50 ms"]);
  assert.deepEqual(plain(page.logTicks(0.2, 1, true)).filter((tick) => tick.text).map((tick) => tick.text), ["200 µs", "500 µs", "1 ms"]);
});

test("numbers are worded as in wording.cpp", () => {
  assert.equal(page.inMilliseconds(84.23), "84.2 ms");
  assert.equal(page.inMilliseconds(999.6), "1 s");
  assert.equal(page.inMilliseconds(126000), "2.1 min");
  assert.equal(page.inSeconds(7500), "2 h 5 min");
  assert.equal(page.inBytes(187e6), "187 MB");
  assert.equal(page.inUnit(202, "1/s"), "202/s");
  assert.equal(page.inUnit(298e3, "B/s"), "298 kB/s");
  assert.equal(page.inUnit(null, "1/s"), "–");
  assert.equal(page.inPercent(0.00001), "< 0.1 %");
  assert.equal(page.inPercent(0.99999), "> 99.9 %");
  assert.equal(page.inExactSeconds(421.125), "421.125 s");
  assert.equal(page.onAxis(150000), "150 k");
});

test("series of one plot and unit share a drawing; those without a plot stand alone", () => {
  const plots = page.plotsOf([
    {name: "a", unit: "1/s", plot: "Messages"}, {name: "b", unit: "1/s", plot: "Messages"},
    {name: "c", unit: "B/s", plot: "Messages"}, {name: "d", unit: "", plot: ""}, {name: "e", unit: "", plot: ""}]);
  assert.deepEqual(plain(plots).map((plot) => [plot.title, plot.series.map((one) => one.name).join("")]),
    [["Messages", "ab"], ["Messages", "c"], ["d", "d"], ["e", "e"]]);
});

test("joined steps keep their extremes, and gaps stay gaps", () => {
  const {bins, size} = plain(page.thinned([1, 9, 2, null, null, null, 5], 4));
  assert.equal(size, 2);
  assert.deepEqual(bins[0], {middle: 1, mean: 5, min: 1, max: 9});
  assert.deepEqual(bins[1], {middle: 3, mean: 2, min: 2, max: 2});
  assert.equal(bins[2].mean, null);
  assert.equal(page.linePath([[0, 1], [1, 2], [2, null], [3, 4]]), "M0.0 1.0L1.0 2.0M3.0 4.0");
  assert.equal(page.bandPath([[0, 1, 9], [1, 2, 8], [2, null, null], [3, 4, 5]]), "M0.0 1.0L1.0 2.0L1.0 8.0L0.0 9.0Z");
});

test("faults that overlap add up, and what happened at once is found nearby", () => {
  const faults = [{from_s: 10, to_s: 30, what: "a"}, {from_s: 20, to_s: 40, what: "b"}, {from_s: 50, to_s: 50, what: "c"}];
  assert.deepEqual(plain(page.faultLevels(faults)), [[10, 20, 1], [20, 30, 2], [30, 40, 1]]);
  assert.deepEqual([...page.faultDensity(faults, 100, 4)].map((level) => Math.round(level * 100) / 100), [0.8, 0.8, 0, 0]);
  assert.deepEqual(plain(page.faultsAt(faults, 25, 1)).map((fault) => fault.what), ["a", "b"]);
  assert.deepEqual(plain(page.faultsAt(faults, 51, 2)).map((fault) => fault.what), ["c"]);
});

test("a crowd of faults of one kind gets one name", () => {
  const faults = Array.from({length: 100}, (_, i) => ({from_s: i, to_s: i + 3, what: `node ${i} killed`}));
  faults.push({from_s: 5, to_s: 200, what: "partition"});
  const named = plain(page.namedFaults(faults));
  assert.deepEqual(named.map((fault) => fault.what), ["partition", "100 × node … killed"]);
  assert.deepEqual([named[1].from_s, named[1].to_s], [0, 102]);
  assert.equal(page.namedFaults(faults.slice(0, 5)).length, 5);
});

function village(count, groups) {
  const nodes = Array.from({length: count}, (_, i) => ({group: `g${i % groups}`, nodes: 1, clients: 0}));
  const links = [];
  for (let i = 0; i < count; ++i)
    for (let k = 1; k <= 3; ++k) links.push([i, (i + k * groups) % count, 1]);
  return {nodes, links};
}

function laidOut({nodes, links}) {
  const layout = page.forceLayout(nodes, links);
  let steps = 1;
  while (layout.step()) ++steps;
  return {x: [...layout.x], y: [...layout.y], steps};
}

test("the same mesh gets the same picture, on any machine and in any slices", () => {
  const first = laidOut(village(120, 3));
  const second = laidOut(village(120, 3));
  assert.equal(first.steps, 300);
  assert.deepEqual(first, second);
});

test("nodes keep apart, groups that are not linked stand apart", () => {
  const {x, y} = laidOut(village(120, 3));
  let nearest = Infinity;
  const middles = [0, 1, 2].map((g) => {
    const members = x.map((_, i) => i).filter((i) => i % 3 === g);
    const mean = (values) => members.reduce((sum, i) => sum + values[i], 0) / members.length;
    const middle = [mean(x), mean(y)];
    const radius = Math.max(...members.map((i) => Math.hypot(x[i] - middle[0], y[i] - middle[1])));
    return {middle, radius};
  });
  for (let i = 0; i < x.length; ++i)
    for (let j = 0; j < i; ++j) nearest = Math.min(nearest, Math.hypot(x[i] - x[j], y[i] - y[j]));
  assert.ok(nearest > 2, `two nodes are ${nearest} apart`);
  for (let g = 0; g < 3; ++g) {
    const other = middles[(g + 1) % 3];
    const apart = Math.hypot(other.middle[0] - middles[g].middle[0], other.middle[1] - middles[g].middle[1]);
    assert.ok(apart > Math.max(other.radius, middles[g].radius), `groups ${apart} apart, radius ${middles[g].radius}`);
  }
});

test("odd meshes come out with finite places", () => {
  for (const mesh of [{nodes: [], links: []}, {nodes: [{group: "", nodes: 1}], links: []}, {nodes: [{group: "a", nodes: 5}, {group: "b", nodes: 1}], links: [[0, 1, 0]]},
    village(60, 30)]) {
    const {x, y} = laidOut(mesh);
    assert.ok([...x, ...y].every(Number.isFinite));
  }
});
