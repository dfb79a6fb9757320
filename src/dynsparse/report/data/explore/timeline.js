// Timeline: sparsity along the episode; a pointer on it chooses the step.
class Timeline {
  constructor(section, box, keys, seek) {
    Object.assign(this, { section, box, keys, seek, plot: null });
    let down = false;
    section.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || !this.#inside(event)) return;
      down = true;
      this.#seekTo(event);
    });
    window.addEventListener("pointermove", (event) => { if (down) this.#seekTo(event); });
    for (const name of ["pointerup", "pointercancel"]) window.addEventListener(name, () => { down = false; });
  }

  // Both axes as every plot of the page has them, so that they lie above each other.
  static axes(step, values) {
    const common = { stroke: Palette.theme("quiet"), font: Canvas.font(11), grid: { stroke: Palette.theme("line"), width: 1 }, ticks: { stroke: Palette.theme("line"), width: 1, size: 4 } };
    return [
      { ...common, size: step ? 22 : 8, label: step || undefined, labelSize: 16, labelFont: Canvas.font(11), gap: 2, values: step ? undefined : (u, splits) => splits.map(() => "") },
      { ...common, size: 48, gap: 4, values },
    ];
  }

  show(rollout) {
    this.rollout = rollout;
    this.draw();
  }

  draw() {
    const { rollout, box } = this;
    if (!rollout) return;
    this.plot?.destroy();
    const n = rollout.steps, steps = [...Array(n + 1).keys()];
    const names = rollout.actionNames.length ? ["state", "action", "combined"] : ["combined"];
    if (rollout.sparsity.clear.some((share, t) => share !== rollout.sparsity.combined[t])) names.push("clear");
    const titles = { state: "\u2202s\u2032/\u2202s", action: "\u2202s\u2032/\u2202a", combined: "both", clear: `both, all below ${Words.roundOff(rollout)} taken for zero` };
    const held = (values) => [...values, values[n - 1]];
    this.plot = new uPlot({
      width: Math.max(box.clientWidth, 200),
      height: 170,
      padding: [6, 14, 0, 0],
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false }, points: { show: false } },
      scales: { x: { time: false, range: [0, n] }, y: { range: (u, low, high) => [0, Math.min(1, Math.max(0.05, high * 1.08))] } },
      axes: Timeline.axes(rollout.isRollout ? `control step (${Words.number(rollout.dt)} s each)` : "row of the data set", (u, splits) => splits.map((x) => `${Math.round(100 * x)} %`)),
      series: [{}, ...names.map((name) => ({
        label: titles[name], stroke: Palette.theme(name), width: name === "combined" ? 2 : 1, dash: name === "clear" ? [3, 3] : [],
        paths: uPlot.paths.stepped({ align: 1 }), points: { show: false },
      }))],
    }, [steps, ...names.map((name) => held(rollout.sparsity[name]))], box);
    this.plot.ctx.canvas.setAttribute("role", "img");
    this.plot.ctx.canvas.setAttribute("aria-label", `sparsity of ${rollout.environment} along ${Words.count(rollout.steps, "step")}`);
    const now = document.createElement("div");
    now.className = "now";
    box.append(now);
    this.now = now;
    const ratio = window.devicePixelRatio || 1;
    this.left = this.plot.bbox.left / ratio;
    this.width = this.plot.bbox.width / ratio;
    this.section.style.setProperty("--plot-left", `${this.left}px`);
    this.keys.replaceChildren(...names.map((name) => {
      const key = document.createElement("li");
      key.style.setProperty("--of", `var(--${name})`);
      key.style.setProperty("--dash", name === "clear" ? "dashed" : "solid");
      key.textContent = `zeros of ${titles[name]}`;
      return key;
    }));
  }

  // Where a step lies, pixels from the left of the plots.
  x(t) { return this.left + (t / this.rollout.steps) * this.width; }

  mark(t) { this.section.style.setProperty("--now", `${this.x(t + 0.5)}px`); }

  destroy() {
    this.plot?.destroy();
    this.box.replaceChildren();
    this.plot = null;
  }

  #inside(event) {
    return this.rollout && event.target.closest("#timeline, #lanes");
  }

  #seekTo(event) {
    const x = event.clientX - this.box.getBoundingClientRect().left - this.left;
    const t = Math.floor((x / this.width) * this.rollout.steps);
    this.seek(Math.min(Math.max(t, 0), this.rollout.steps - 1));
  }
}
