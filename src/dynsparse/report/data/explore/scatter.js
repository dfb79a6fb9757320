// Scatter: the embedding of the data set's transitions, and where this moment lies in it.
class ScatterPanel {
  constructor(seek) {
    this.seek = seek;
    for (const id of ["scatter", "no-embedding", "embedding-words"]) this[id] = document.getElementById(id);
    this.scatter.addEventListener("click", (event) => this.#click(event));
  }

  show(rollout) {
    this.rollout = rollout;
    const given = rollout.scatter;
    this["no-embedding"].hidden = !given.missing;
    this["no-embedding"].textContent = given.missing ?? "";
    this.scatter.hidden = this["embedding-words"].hidden = Boolean(given.missing);
    this.points = null;
    if (given.missing) return;
    this.points = Codec.words(given.points);
    this.sparsity = Codec.words(given.sparsity);
    this.own = Codec.words(given.own);
    this.shown = Codec.bytes(given.shown);
    this.ends = Codec.ends(this.sparsity);
  }

  // Forget the picture of all points: the page is another one now.
  resized() { this.behind = null; }

  mark(t) {
    if (!this.points) return;
    this.behind ??= this.#behind();
    const { side, at } = this.behind, context = Canvas.fit(this.scatter, side, side);
    context.drawImage(this.behind.canvas, 0, 0, side, side);
    this.place = (k) => [at(this.own[2 * k]), side - at(this.own[2 * k + 1])];
    const [low, high] = this.ends;
    const there = Codec.bit(this.shown, t) === 1;
    this.#trail(context, t);
    if (there) {
      const [x, y] = this.place(t);
      for (const [colour, width] of [["paper", 5], ["mark", 2.5]]) {
        context.strokeStyle = Palette.theme(colour);
        context.lineWidth = width;
        context.beginPath();
        context.arc(x, y, 7, 0, 2 * Math.PI);
        context.stroke();
      }
    }
    this.scatter.dataset.at = there ? this.place(t).join(" ") : "";
    const said = there ? `Ring: step ${t}; line: the ten steps before it.` : `Step ${t} is not embedded.`;
    this["embedding-words"].textContent = `${said} Colour: share of zeros, from ${Words.percent(low / 65535)}, dark, to ${Words.percent(high / 65535)}, bright. Click to go to the nearest step.`;
    this.scatter.setAttribute("aria-label", `t-SNE of transitions of ${this.rollout.environment}. ${said}`);
  }

  // All points, drawn once.
  #behind() {
    const side = Math.max(160, Math.min(this.scatter.parentElement.clientWidth, 340)), margin = 10;
    const at = (x) => margin + (x / 65535) * (side - 2 * margin), [low, high] = this.ends;
    const canvas = document.createElement("canvas"), context = Canvas.fit(canvas, side, side);
    context.globalAlpha = 0.75;
    for (let k = 0; k < this.sparsity.length; k++) {
      context.fillStyle = Palette.shade((this.sparsity[k] - low) / Math.max(high - low, 1));
      context.beginPath();
      context.arc(at(this.points[2 * k]), side - at(this.points[2 * k + 1]), 2, 0, 2 * Math.PI);
      context.fill();
    }
    return { side, at, canvas };
  }

  #trail(context, t) {
    context.strokeStyle = Palette.theme("ink");
    context.lineWidth = 1;
    context.beginPath();
    for (let k = Math.max(0, t - 10), first = true; k <= t && this.rollout.isRollout; k++) {
      if (!Codec.bit(this.shown, k)) continue;
      context[first ? "moveTo" : "lineTo"](...this.place(k));
      first = false;
    }
    context.stroke();
  }

  #click(event) {
    if (!this.points) return;
    const box = this.scatter.getBoundingClientRect(), [px, py] = [event.clientX - box.left, event.clientY - box.top];
    let best = null, least = Infinity;
    for (let k = 0; k < this.rollout.steps; k++) {
      if (!Codec.bit(this.shown, k)) continue;
      const [x, y] = this.place(k), d = (x - px) ** 2 + (y - py) ** 2;
      if (d < least) [best, least] = [k, d];
    }
    if (best !== null) this.seek(best, true);
  }
}
