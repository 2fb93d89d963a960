"use strict";
// Sorts tables, says what lines are at, chooses variants and sides. Everything is there without it.
(() => {
  const SVG = "http://www.w3.org/2000/svg";
  const COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"];  // svg.hpp
  const DASHES = ["", "7 3", "2 3", "9 3 2 3"];
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const make = (name, text = "", attributes = {}) => {
    const made = document.createElement(name);
    made.textContent = text;
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    return made;
  };
  const data = JSON.parse(document.getElementById("data").textContent);

  // Contents.
  const list = document.createElement("ul");
  for (const section of all("main section")) {
    const item = document.createElement("li");
    item.append(make("a", section.querySelector("h2").textContent, {href: "#" + section.id}));
    list.append(item);
  }
  document.getElementById("contents").append(list);

  // Tables: a button in each heading.
  const number = text => parseFloat(text.replace(/[<,\s]/g, "").replace("−", "-").replace(/^\+/, ""));
  const compare = (a, b) => {
    const [x, y] = [number(a), number(b)];
    if (isNaN(x) && isNaN(y)) return a.localeCompare(b);
    return isNaN(x) ? -1 : isNaN(y) ? 1 : x - y;
  };
  for (const table of all("table")) {
    if (table.tBodies[0].rows.length < 2) continue;
    const heads = all("thead th", table);
    heads.forEach((head, column) => {
      const numeric = head.classList.contains("right");
      const button = make("button", head.textContent, {type: "button"});
      head.replaceChildren(button);
      head.setAttribute("aria-sort", "none");
      button.addEventListener("click", () => {
        const falling = head.getAttribute("aria-sort") === (numeric ? "none" : "ascending") ||
                        (numeric && head.getAttribute("aria-sort") === "ascending");
        heads.forEach(other => other.setAttribute("aria-sort", "none"));
        head.setAttribute("aria-sort", falling ? "descending" : "ascending");
        const text = row => row.cells[column].textContent;
        const order = (a, b) => numeric ? compare(text(a), text(b)) : text(a).localeCompare(text(b));
        const rows = [...table.tBodies[0].rows].sort(order);
        table.tBodies[0].append(...(falling ? rows.reverse() : rows));
      });
    });
  }

  // Charts over epochs: what the lines are at, below the pointer or by the arrow keys.
  const tip = document.getElementById("tip");
  const scale = text => {
    const [from, to, atFrom, atTo] = text.split(" ").map(Number);
    return {to: v => atFrom + (atTo - atFrom) * (v - from) / (to - from),
            from: p => from + (to - from) * (p - atFrom) / (atTo - atFrom), low: Math.min(from, to), high: Math.max(from, to)};
  };
  const points = line => {
    line.at ??= line.getAttribute("points").split(" ").map(pair => pair.split(",").map(Number));
    return line.at;
  };
  const shown = line => !line.closest("[display=none]");
  const colour = line => getComputedStyle(line).color;
  const nearest = (line, x) => points(line).reduce((a, b) => Math.abs(b[0] - x) < Math.abs(a[0] - x) ? b : a);

  function tell(svg, epoch, at) {
    const panels = all("g.panel", svg);
    const x = scale(panels[0].dataset.x).to(epoch);
    const rows = [];
    for (const panel of panels) {
      const y = scale(panel.dataset.y);
      for (const line of all("polyline[data-name]", panel).filter(shown)) {
        const [px, py] = nearest(line, x);
        if (Math.abs(px - x) < 1) rows.push([line.dataset.name, y.from(py), colour(line)]);
      }
    }
    if (rows.length > 14) rows.splice(14, rows.length, [`and ${rows.length - 14} more`, NaN, "inherit"]);
    tip.replaceChildren(make("b", `Epoch ${epoch}`));
    for (const [name, value, ink] of rows) {
      const row = make("div", isNaN(value) ? name : `${name}: ${value.toFixed(3)}`);
      row.style.color = ink;
      tip.append(row);
    }
    let mark = svg.querySelector(".mark");
    if (!mark) {
      mark = document.createElementNS(SVG, "line");
      mark.setAttribute("class", "mark");
      mark.setAttribute("stroke", "#888888");
      mark.setAttribute("y1", scale(panels[0].dataset.y).to(scale(panels[0].dataset.y).high));
      mark.setAttribute("y2", scale(panels.at(-1).dataset.y).to(scale(panels.at(-1).dataset.y).low));
      svg.append(mark);
    }
    mark.setAttribute("x1", x);
    mark.setAttribute("x2", x);
    tip.hidden = false;
    const box = tip.getBoundingClientRect();
    tip.style.left = Math.max(4, Math.min(at.x + 14, innerWidth - box.width - 6)) + "px";
    tip.style.top = Math.max(4, Math.min(at.y + 14, innerHeight - box.height - 6)) + "px";
    svg.epoch = epoch;
  }
  const quiet = svg => {
    tip.hidden = true;
    svg.querySelector(".mark")?.remove();
  };
  for (const svg of all("#overview svg, #facets svg")) {
    const x = scale(svg.querySelector("g.panel").dataset.x);
    svg.setAttribute("tabindex", "0");
    svg.addEventListener("pointermove", event => {
      const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
      const epoch = Math.round(x.from(at.x));
      if (epoch < x.low || epoch > x.high) return quiet(svg);
      tell(svg, epoch, {x: event.clientX, y: event.clientY});
    });
    svg.addEventListener("pointerleave", () => quiet(svg));
    svg.addEventListener("blur", () => quiet(svg));
    svg.addEventListener("keydown", event => {
      const step = {ArrowLeft: -1, ArrowRight: 1}[event.key];
      if (event.key === "Escape") quiet(svg);
      if (!step) return;
      event.preventDefault();
      const epoch = svg.epoch === undefined ? x.high : Math.min(x.high, Math.max(x.low, svg.epoch + step));
      const box = svg.getBoundingClientRect();
      tell(svg, epoch, {x: box.left + x.to(epoch) * box.width / svg.viewBox.baseVal.width, y: box.top + 20});
    });
  }

  // Which variants the first chart shows.
  const overview = document.querySelector("#overview svg");
  if (overview) {
    const lines = all("g.line", overview);
    const first = lines.map(shown);
    const y = scale(overview.querySelector("g.panel").dataset.y);
    const [top, bottom] = [y.to(y.high), y.to(y.low)];

    function spread(wanted, gap) {  // axes.hpp: spread_out()
      gap = wanted.length > 1 ? Math.min(gap, (bottom - top) / (wanted.length - 1)) : gap;
      const order = wanted.map((_, i) => i).sort((a, b) => wanted[a] - wanted[b]);
      const at = [];
      let least = top;
      for (const i of order) least = (at[i] = Math.max(least, Math.min(wanted[i], bottom))) + gap;
      let most = bottom;
      for (const i of order.reverse()) most = (at[i] = Math.min(at[i], most)) - gap;
      return at;
    }
    function draw(chosen, seeds) {
      const now = lines.filter((_, i) => chosen[i]);
      lines.forEach((line, i) => chosen[i] ? line.removeAttribute("display") : line.setAttribute("display", "none"));
      const ends = now.map(line => points(line.querySelector(".mean")).at(-1));
      const labels = spread(ends.map(end => end[1]), 14);
      now.forEach((line, slot) => {
        line.style.color = COLOURS[slot % COLOURS.length];
        line.querySelector(".mean").setAttribute("stroke-dasharray", DASHES[Math.floor(slot / COLOURS.length) % DASHES.length]);
        for (const seed of all(".seed", line)) seeds ? seed.removeAttribute("display") : seed.setAttribute("display", "none");
        const end = line.querySelector(".end"), leader = line.querySelector(".leader");
        end.setAttribute("y", labels[slot] + 4);
        leader.setAttribute("points", `${ends[slot][0] + 2},${ends[slot][1]} ${end.getAttribute("x") - 3},${labels[slot]}`);
      });
    }

    const chooser = make("fieldset", "", {class: "chooser"});
    chooser.append(make("legend", "Show"));
    const boxes = make("div", "", {class: "many"});
    const box = (name, checked) => {
      const label = make("label");
      const input = make("input", "", {type: "checkbox"});
      input.checked = checked;
      label.append(input, " ", make("bdi", name));
      return [label, input];
    };
    const inputs = lines.map((line, i) => {
      const [label, input] = box(line.querySelector(".mean").dataset.name, first[i]);
      boxes.append(label);
      return input;
    });
    const [seedsLabel, seeds] = box("each seed as a thin line", false);
    const update = () => draw(inputs.map(input => input.checked), seeds.checked);
    const button = (name, choose) => {
      const made = make("button", name, {type: "button"});
      made.addEventListener("click", () => {
        inputs.forEach((input, i) => input.checked = choose(i));
        update();
      });
      return made;
    };
    chooser.append(boxes, button("the highest", i => first[i]), button("none", () => false), button("all", () => true), seedsLabel);
    chooser.addEventListener("change", update);
    document.getElementById("overview").before(chooser);
  }

  // Which two sets of results are compared by structure.
  const sides = document.getElementById("sides");
  if (sides && data.scores.length > 1) {
    const rows = document.querySelector("#structures g.rows");
    const parts = all("g.row", rows);
    const x = scale(rows.dataset.x);
    const clean = values => values.filter(v => v !== null).map(v => v / 1e4).sort((a, b) => a - b);
    const quantile = (sorted, p) => {
      const at = p * (sorted.length - 1), low = Math.floor(at);
      return sorted[low] + (at - low) * ((sorted[low + 1] ?? sorted[low]) - sorted[low]);
    };
    const place = v => Math.max(x.to(x.low), x.to(v)).toFixed(2);
    function box(side, values) {
      const sorted = clean(values), y = Number(side.dataset.y);
      side.toggleAttribute("display", false);
      if (!sorted.length) return side.setAttribute("display", "none");
      const [low, middle, high] = [0.25, 0.5, 0.75].map(p => place(quantile(sorted, p)));
      side.querySelector(".whisker").setAttribute("d", `M${place(sorted[0])} ${y}H${place(sorted.at(-1))}`);
      side.querySelector(".box").setAttribute("x", low);
      side.querySelector(".box").setAttribute("width", Math.max(0, high - low));
      side.querySelector(".median").setAttribute("d", `M${middle} ${y - 4.5}v9`);
      side.querySelector(".dots").setAttribute("d", sorted.map(v => `M${place(v)} ${y}h0`).join(""));
    }
    const difference = (a, b) => {
      const pairs = a.map((v, i) => [v, b[i]]).filter(([v, w]) => v !== null && w !== null);
      return pairs.length ? pairs.reduce((sum, [v, w]) => sum + w - v, 0) / pairs.length / 1e4 : NaN;
    };
    const choice = (of, chosen) => {
      const select = make("select", "", {"aria-label": of});
      data.scores.forEach((scores, i) => select.append(make("option", scores.title, {value: i})));
      select.value = chosen;
      return select;
    };
    const first = choice("in red", sides.dataset.first), second = choice("in blue", sides.dataset.second);
    const order = make("select", "", {"aria-label": "order"});
    for (const [value, name] of [["class", "in the order of classes"], ["difference", "by difference"], ["dice", "by Dice"]])
      order.append(make("option", name, {value}));
    function draw() {
      const [a, b] = [first, second].map(select => data.scores[select.value]);
      const keys = parts.map((row, i) => {
        box(row.querySelector(".first"), a.dice[i]);
        box(row.querySelector(".second"), b.dice[i]);
        const mean = difference(a.dice[i], b.dice[i]);
        row.querySelector(".difference").textContent = isNaN(mean) ? "–" : (mean < 0 ? "-" : "+") + Math.abs(mean).toFixed(4);
        const values = clean(b.dice[i]);
        return {class: i, difference: isNaN(mean) ? Infinity : -mean, dice: values.length ? -quantile(values, 0.5) : Infinity}[order.value];
      });
      keys.map((key, i) => [key, i]).sort(([a], [b]) => a - b).forEach(([, i], at) =>
        parts[i].setAttribute("transform", `translate(0 ${Number(rows.dataset.top) + at * Number(rows.dataset.row)})`));
    }
    const red = make("span", "", {class: "red"}), blue = make("span", "", {class: "blue"});
    red.append(first);
    blue.append(second);
    sides.replaceChildren(red, blue, order);
    sides.addEventListener("change", draw);
  }

  // The grid, to paste.
  const grid = document.getElementById("grid");
  if (grid && navigator.clipboard) {
    const copy = make("button", "copy", {type: "button", class: "copy"});
    copy.addEventListener("click", () => navigator.clipboard.writeText(grid.textContent).then(() => copy.textContent = "copied"));
    grid.before(copy);
  }
})();
