// layout.js: where the nodes of the mesh stand. Springs along links, repulsion between all (Barnes and
// Hut's quadtree), a little pull to the middle and to one's group. The same mesh always gets the same
// picture: the generator has a fixed seed, and the number of steps does not depend on the machine.
// Pure functions: tests/unit/sim_report/test_page.mjs runs them without a browser.

const layoutSteps = 300;

function generator(seed) {  // mulberry32
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/// A quadtree over the points: for each cell its mass and its centre of mass. Arrays, as it is built
/// anew in every step.
class QuadTree {
  constructor(count) {
    this.capacity = 8 * count + 64;
    this.children = new Int32Array(4 * this.capacity);  // 0: none; > 0: a cell; < 0: the point -1 - value
    this.mass = new Float64Array(this.capacity);
    this.sumX = new Float64Array(this.capacity);
    this.sumY = new Float64Array(this.capacity);
  }

  build(x, y, weight) {
    let left = Infinity, right = -Infinity, top = Infinity, bottom = -Infinity;
    for (let i = 0; i < x.length; ++i) {
      left = Math.min(left, x[i]);
      right = Math.max(right, x[i]);
      top = Math.min(top, y[i]);
      bottom = Math.max(bottom, y[i]);
    }
    this.left = left;
    this.top = top;
    this.size = Math.max(right - left, bottom - top, 1e-6);
    this.cells = 0;
    this.newCell();
    for (let i = 0; i < x.length; ++i) this.insert(i, x, y, weight);
  }

  newCell() {
    const cell = this.cells++;
    this.children.fill(0, 4 * cell, 4 * cell + 4);
    this.mass[cell] = this.sumX[cell] = this.sumY[cell] = 0;
    return cell;
  }

  add(cell, i, x, y, weight) {
    this.mass[cell] += weight[i];
    this.sumX[cell] += weight[i] * x[i];
    this.sumY[cell] += weight[i] * y[i];
  }

  insert(i, x, y, weight) {
    let cell = 0, left = this.left, top = this.top, size = this.size;
    for (let depth = 0; ; ++depth) {
      this.add(cell, i, x, y, weight);
      size /= 2;
      const east = x[i] >= left + size ? 1 : 0;
      const south = y[i] >= top + size ? 1 : 0;
      left += east * size;
      top += south * size;
      const slot = 4 * cell + 2 * south + east;
      const held = this.children[slot];
      if (held === 0) {
        this.children[slot] = -1 - i;
        return;
      }
      if (held < 0) {
        // Two that (nearly) stand on one another: the one that came later counts in the cell only.
        if (depth > 24 || this.cells + 1 >= this.capacity) return;
        const other = -1 - held;
        const inside = this.newCell();
        this.children[slot] = inside;
        this.add(inside, other, x, y, weight);
        const otherEast = x[other] >= left + size / 2 ? 1 : 0;
        const otherSouth = y[other] >= top + size / 2 ? 1 : 0;
        this.children[4 * inside + 2 * otherSouth + otherEast] = held;
        cell = inside;
      } else {
        cell = held;
      }
    }
  }

  /// Adds to vx, vy of point i what pushes it from all others: `strength` over the distance.
  repel(i, x, y, vx, vy, weight, strength, stack) {
    const nearMin = 1;
    let depth = 0;
    stack[depth++] = 0;
    stack[depth++] = this.size;
    while (depth > 0) {
      const size = stack[--depth];
      const cell = stack[--depth];
      const dx = this.sumX[cell] / this.mass[cell] - x[i];
      const dy = this.sumY[cell] / this.mass[cell] - y[i];
      const squared = dx * dx + dy * dy;
      if (size * size < 1.3 * squared) {
        const push = (strength * this.mass[cell]) / squared;
        vx[i] -= dx * push;
        vy[i] -= dy * push;
        continue;
      }
      for (let slot = 4 * cell; slot < 4 * cell + 4; ++slot) {
        const held = this.children[slot];
        if (held > 0) {
          stack[depth++] = held;
          stack[depth++] = size / 2;
        } else if (held < 0 && held !== -1 - i) {
          const other = -1 - held;
          const toX = x[other] - x[i];
          const toY = y[other] - y[i];
          const push = (strength * weight[other]) / Math.max(toX * toX + toY * toY, nearMin);
          vx[i] -= toX * push;
          vy[i] -= toY * push;
        }
      }
    }
  }
}

/// nodes: [{group, nodes}], links: [[from, to, bytes]]. step() moves everything once and says whether
/// there is more to do.
function forceLayout(nodes, links) {
  const count = nodes.length;
  const random = generator(20111126);
  const x = new Float64Array(count), y = new Float64Array(count);
  const vx = new Float64Array(count), vy = new Float64Array(count);
  const weight = new Float64Array(count), degree = new Float64Array(count);
  const names = [...new Set(nodes.map((node) => node.group))];
  const group = nodes.map((node) => names.indexOf(node.group));
  const members = names.map((_, g) => group.filter((other) => other === g).length);
  for (const [from, to] of links) {
    degree[from] += 1;
    degree[to] += 1;
  }
  // Groups on a circle, their members scattered around.
  const spread = 10 * Math.sqrt(count);
  for (let i = 0; i < count; ++i) {
    const angle = (2 * Math.PI * group[i]) / names.length;
    const away = names.length > 1 ? spread * 1.5 : 0;
    x[i] = away * Math.cos(angle) + spread * (random() - 0.5);
    y[i] = away * Math.sin(angle) + spread * (random() - 0.5);
    weight[i] = Math.sqrt(nodes[i].nodes ?? 1);
  }

  const tree = new QuadTree(count);
  const stack = new Float64Array(4096);
  const holdsGroups = names.length > 1 && names.length <= 24;
  let alpha = 1;
  let steps = 0;

  const pullLinks = () => {
    const length = 34;
    for (const [from, to] of links) {
      const dx = x[to] + vx[to] - x[from] - vx[from];
      const dy = y[to] + vy[to] - y[from] - vy[from];
      const distance = Math.sqrt(dx * dx + dy * dy) || 1e-3;
      // Whoever has many links is held by all of them a little: else hubs swallow everybody.
      const pull = (((distance - length) / distance) * alpha) / Math.min(degree[from], degree[to]);
      const share = degree[from] / (degree[from] + degree[to]);
      vx[to] -= dx * pull * share;
      vy[to] -= dy * pull * share;
      vx[from] += dx * pull * (1 - share);
      vy[from] += dy * pull * (1 - share);
    }
  };
  const pullGroups = () => {
    const middleX = new Float64Array(names.length), middleY = new Float64Array(names.length);
    for (let i = 0; i < count; ++i) {
      middleX[group[i]] += x[i] / members[group[i]];
      middleY[group[i]] += y[i] / members[group[i]];
    }
    for (let i = 0; i < count; ++i) {
      vx[i] += (middleX[group[i]] - x[i]) * 0.08 * alpha;
      vy[i] += (middleY[group[i]] - y[i]) * 0.08 * alpha;
    }
  };

  const step = () => {
    if (steps >= layoutSteps || count === 0) return false;
    ++steps;
    alpha *= 0.985;
    tree.build(x, y, weight);
    for (let i = 0; i < count; ++i) tree.repel(i, x, y, vx, vy, weight, 60 * alpha, stack);
    pullLinks();
    if (holdsGroups) pullGroups();
    for (let i = 0; i < count; ++i) {
      const middle = degree[i] > 0 ? 0.03 : 0.06;
      vx[i] = (vx[i] - x[i] * middle * alpha) * 0.6;
      vy[i] = (vy[i] - y[i] * middle * alpha) * 0.6;
      x[i] += vx[i];
      y[i] += vy[i];
    }
    return steps < layoutSteps;
  };
  return {x, y, step, names, group, progress: () => (count ? steps / layoutSteps : 1)};
}
