// main.js: the page from top to bottom.

function buildPage(data) {
  const beside = element("div", {class: "beside"}, latencyOf(data),
    element("div", {class: "column"}, hopsOf(data), totalsOf(data)));
  const parts = [headOf(data), claimsOf(data), promisesOf(data), beside, timelineOf(data), meshOf(data)];
  document.getElementById("report").append(...parts.filter(Boolean),
    element("footer", {}, "One seed gives one digest: the line at the top repeats this run, bit for bit. Only real time and memory differ."));
}

buildPage(JSON.parse(document.getElementById("data").textContent));
