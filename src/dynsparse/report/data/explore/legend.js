// Legend: what a cell's look means, for the view that is chosen.
class Legend {
  constructor(box, looks) { Object.assign(this, { box, looks }); }

  show(rollout, view) {
    this.box.replaceChildren(...(view === "causes" ? this.#causes(rollout) : this.#magnitude(rollout)), ...this.#always(rollout));
  }

  #entry(text, paint, letter = "") {
    const entry = document.createElement("span"), swatch = document.createElement("i");
    paint(swatch.style);
    swatch.textContent = letter;
    swatch.setAttribute("aria-hidden", "true");
    entry.append(swatch, text);
    return entry;
  }

  #magnitude(rollout) {
    const [low, high] = rollout.range, bar = document.createElement("span"), canvas = document.createElement("canvas");
    const width = 200, height = 30, context = Canvas.fit(canvas, width + 40, height);
    for (let x = 0; x < width; x++) {
      context.fillStyle = Palette.shade(x / (width - 1));
      context.fillRect(20 + x, 0, 1.5, 12);
    }
    context.fillStyle = Palette.theme("ink");
    context.font = Canvas.font(11);
    context.textAlign = "center";
    context.textBaseline = "top";
    const every = [1, 2, 4, 8].find((d) => (high - low) % d === 0 && (high - low) / d <= 4) ?? Math.ceil((high - low) / 4);
    for (let decade = high; decade >= low; decade -= every) {
      const x = 20 + ((decade - low) / (high - low)) * width;
      context.fillRect(x - 0.5, 11, 1, 4);
      context.fillText((decade === low ? "\u2264" : "") + (decade === 0 ? "1" : `1e${decade}`), x, 17);
    }
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", `shades from 1e${low} and below, dark, to 1e${high}, bright`);
    bar.append("|\u2202|", canvas);
    return [bar, this.#entry("zero", this.#dot)];
  }

  #causes(rollout) {
    const entries = this.looks.map((look) => this.#entry(look.title, (style) => {
      style.background = look.colour;
      style.color = Palette.inkOn(look.colour);
    }, look.letter));
    if (!rollout.labels || rollout.causes.steps < rollout.steps) entries.push(this.#entry("zero, not explained", this.#dot));
    return [...entries, this.#entry("not zero", (style) => { style.background = "var(--fill)"; })];
  }

  #always(rollout) {
    if (!rollout.isRollout) return [];
    const framed = [this.#entry("framed: changed at this step", (style) => { style.boxShadow = "inset 0 0 0 2px var(--ink)"; })];
    if (rollout.switches.some((change) => change.roundOff)) framed.push(this.#entry("dotted: by round-off", (style) => { style.border = "2px dotted var(--ink)"; }));
    return framed;
  }

  #dot(style) {
    style.background = "radial-gradient(circle, var(--quiet) 0 1.5px, var(--shade) 2px)";
  }
}
