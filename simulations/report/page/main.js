// main.js: the page from top to bottom.

function buildPage(data) {
  const side = [hopsOf(data), totalsOf(data)].filter(Boolean);
  const beside = element("div", {class: side.length ? "beside" : null}, latencyOf(data),
    side.length ? element("div", {class: "column"}, ...side) : null);
  const parts = [headOf(data), claimsOf(data), promisesOf(data), beside, timelineOf(data), meshOf(data)];
  document.getElementById("report").append(...parts.filter(Boolean),
    data.replay ? element("footer", {}, "One seed gives one digest: the line at the top repeats this run, bit for bit. Only real time and memory differ.") : "");
}

buildPage(JSON.parse(document.getElementById("data").textContent));
