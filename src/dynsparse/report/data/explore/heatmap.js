// Heatmap: the Jacobian of one step, one cell an element, both blocks side by side.
class Heatmap {
  constructor(box, canvas, looks, events) {
    Object.assign(this, { box, canvas, looks, events });
    this.hovered = null;
    canvas.addEventListener("pointermove", (event) => this.#hover(this.#at(event), event));
    canvas.addEventListener("pointerleave", () => this.#hover(null));
    canvas.addEventListener("click", (event) => {
      const e = this.#at(event);
      if (e !== null) this.events.select(e, true);
    });
    canvas.addEventListener("keydown", (event) => this.#key(event));
  }

  // Forget the sizes: the page is another one now.
  resized() { this.look = null; }

  show(rollout, t, view, selected) {
    // Another rollout may have other columns: what was pointed at is no place in it.
    if (rollout !== this.rollout) this.look = this.hovered = null;
    Object.assign(this, { rollout, t, view, selected });
    this.draw();
  }

  // Sizes: as large as fits, never so small that a name can not be read.
  #measure() {
    const { rows, columns, states, tangentNames, inputNames } = this.rollout;
    const context = this.canvas.getContext("2d");
    const gap = columns > states ? 10 : 0;
    const wide = this.box.clientWidth - 6;
    const longest = (names, size) => {
      context.font = Canvas.font(size, "700"); // as the names of the chosen element are
      return Math.max(...names.map((name) => context.measureText(name).width));
    };
    let font = 12, left = longest(tangentNames, font) + 8;
    let cell = Math.min((wide - left - gap - 1) / columns, rows > 12 ? 27 : 46);
    if (cell < 14) {
      font = 10;
      left = longest(tangentNames, font) + 6;
      cell = Math.max(11, (wide - left - gap - 1) / columns);
    }
    const top = longest(inputNames, font) + 26;
    return { cell: Math.floor(cell * 2) / 2, font, left: Math.ceil(left), top: Math.ceil(top), gap };
  }

  draw() {
    if (!this.rollout) return;
    const { rollout, t, view } = this;
    const look = (this.look ??= this.#measure());
    const { cell, left, top, gap } = look;
    const width = left + rollout.columns * cell + gap + 1, height = top + rollout.rows * cell + 1;
    const context = Canvas.fit(this.canvas, width, height);
    this.canvas.dataset.cell = [cell, left, top, gap].join(" ");
    this.#names(context);
    const theme = Object.fromEntries(["paper", "ink", "quiet", "line", "shade", "fill", "link"].map((x) => [x, Palette.theme(x)]));
    for (let e = 0; e < rollout.elements; e++) this.#cell(context, e, theme);
    for (let e = 0; e < rollout.elements; e++) {
      if (!rollout.changed(t, e)) continue;
      this.#frame(context, e, theme.paper, 3, 1.5);
      context.setLineDash(rollout.changedByRoundOff(t, e) ? [2, 3] : []);
      this.#frame(context, e, theme.ink, 1.5, 1);
      context.setLineDash([]);
    }
    for (const e of [this.hovered, this.selected]) {
      if (e === null || e === undefined) continue;
      this.#frame(context, e, theme.paper, 5, 0);
      this.#frame(context, e, theme.link, 3, 0);
    }
    this.canvas.setAttribute("aria-label",
      `Jacobian of ${rollout.environment} at step ${t}, ${rollout.rows} rows by ${rollout.columns} columns, ` +
      `${Words.percent(rollout.sparsity.combined[t])} zero; ${view === "causes" ? "zeros by cause" : "magnitude"}`);
  }

  #corner(e) {
    const { cell, left, top, gap } = this.look, column = this.rollout.column(e);
    return [left + column * cell + (column < this.rollout.states ? 0 : gap), top + this.rollout.row(e) * cell];
  }

  #cell(context, e, theme) {
    const { rollout, t, view, look: { cell } } = this;
    const [x, y] = this.#corner(e), size = cell - 1;
    context.fillStyle = theme.shade;
    context.fillRect(x, y, size, size);
    if (!rollout.isFinite(t)) { Canvas.hatch(context, x, y, size, size, theme.quiet); return; }
    if (!rollout.isZero(t, e)) {
      context.fillStyle = view === "causes" ? theme.fill : Palette.magnitude(rollout.decades(t, e), rollout.range);
      context.fillRect(x, y, size, size);
      return;
    }
    const label = view === "causes" ? rollout.cause(t, e) : null;
    if (label) {
      const cause = this.looks[label - 1];
      context.fillStyle = cause.colour;
      context.fillRect(x, y, size, size);
      if (cell < 11) return;
      context.fillStyle = Palette.inkOn(cause.colour);
      context.font = Canvas.font(Math.min(12, cell - 3), "600");
      context.textAlign = "center";
      context.textBaseline = "middle";
      context.fillText(cause.letter, x + size / 2, y + size / 2 + 0.5);
      return;
    }
    // A zero is paper with a dot, which no shade of a small number can be taken for.
    context.fillStyle = theme.quiet;
    context.beginPath();
    context.arc(x + size / 2, y + size / 2, Math.max(1, cell / 14), 0, 2 * Math.PI);
    context.fill();
  }

  #frame(context, e, colour, width, inset) {
    const [x, y] = this.#corner(e), size = this.look.cell - 1;
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.strokeRect(x + inset, y + inset, size - 2 * inset, size - 2 * inset);
  }

  #names(context) {
    const { rollout, look: { cell, font, left, top, gap } } = this;
    const active = this.hovered ?? this.selected;
    const [row, column] = active === null || active === undefined ? [-1, -1] : [rollout.row(active), rollout.column(active)];
    const [ink, quiet] = [Palette.theme("ink"), Palette.theme("quiet")];
    context.textBaseline = "middle";
    context.textAlign = "right";
    // A font takes long to set: once, and for the chosen name.
    const chosen = (is) => {
      context.fillStyle = is ? ink : quiet;
      if (is) context.font = Canvas.font(font, "700");
    };
    context.font = Canvas.font(font);
    rollout.tangentNames.forEach((name, i) => {
      context.save();
      chosen(i === row);
      context.fillText(name, left - 5, top + (i + 0.5) * cell);
      context.restore();
    });
    context.textAlign = "left";
    rollout.inputNames.forEach((name, j) => {
      context.save();
      context.translate(left + (j + 0.5) * cell + (j < rollout.states ? 0 : gap), top - 4);
      context.rotate(-Math.PI / 2);
      chosen(j === column);
      context.fillText(name, 0, 0);
      context.restore();
    });
    context.font = Canvas.font(12, "600");
    context.fillStyle = ink;
    context.textBaseline = "top";
    context.fillText("\u2202s\u2032/\u2202s", left, 0);
    if (gap) context.fillText("\u2202s\u2032/\u2202a", left + rollout.states * cell + gap, 0);
  }

  // The element below a pointer, or null.
  #at(event) {
    if (!this.look) return null;
    const { cell, left, top, gap } = this.look, { rollout } = this;
    const box = this.canvas.getBoundingClientRect();
    const x = event.clientX - box.left - left, row = Math.floor((event.clientY - box.top - top) / cell);
    let column = Math.floor(x / cell);
    if (column >= rollout.states) column = Math.max(rollout.states, Math.floor((x - gap) / cell));
    const inside = x >= 0 && row >= 0 && row < rollout.rows && column < rollout.columns;
    return inside ? row * rollout.columns + column : null;
  }

  #hover(e, event) {
    if (e !== this.hovered) {
      this.hovered = e;
      this.draw();
    }
    this.events.hover(e, event);
  }

  #key(event) {
    const { rollout } = this;
    if (!rollout) return;
    const move = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
    if (!move || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    const from = this.selected ?? null;
    const clamp = (x, most) => Math.min(Math.max(x, 0), most - 1);
    const row = from === null ? 0 : clamp(rollout.row(from) + move[0], rollout.rows);
    const column = from === null ? 0 : clamp(rollout.column(from) + move[1], rollout.columns);
    this.hovered = null;
    this.events.select(row * rollout.columns + column, false);
  }
}
