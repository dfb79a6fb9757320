// Lanes: below the timeline, when each constraint was active, and when the chosen element was zero.
class Lanes {
  constructor(box, timeline, looks) { Object.assign(this, { box, timeline, looks, plot: null }); }

  show(rollout, element, view, switches) {
    this.plot?.destroy();
    this.plot = null;
    this.box.replaceChildren();
    if (element !== null) this.#element(rollout, element, view);
    if (rollout.isRollout) this.#switches(rollout, switches);
    for (const c of rollout.everActive) {
      const steps = [...Array(rollout.steps).keys()].filter((t) => rollout.isActive(t, c)).length;
      const lane = this.#lane(`${rollout.constraintNames[c]}: active in ${Words.count(steps, "step")}`, 9);
      this.#spans(rollout, (t) => rollout.isActive(t, c), (x, width) => {
        lane.fillStyle = Palette.theme("contact");
        lane.fillRect(x, 0, width, 9);
      });
    }
    if (!rollout.everActive.length) {
      const words = document.createElement("p");
      words.className = "quiet lane";
      words.textContent = rollout.constraintNames.length ? "No limit and no contact was active in these steps." : "This environment has no limits and no contacts.";
      this.box.append(words);
    }
    const now = document.createElement("div");
    now.className = "now";
    this.box.append(now);
  }

  // A tick at each listed switch, a short one where it is round-off alone.
  #switches(rollout, switches) {
    const small = switches.filter((change) => change.roundOff).length;
    const words = `pattern switches: ${Words.count(switches.length, "step")}` + (small ? `, of them ${small.toLocaleString("en")} by round-off (short)` : "");
    const lane = this.#lane(words, 12), unit = this.timeline.width / rollout.steps;
    for (const { t, roundOff } of switches) {
      lane.fillStyle = Palette.theme(roundOff ? "quiet" : "ink");
      lane.fillRect(t * unit, roundOff ? 8 : 0, Math.min(Math.max(unit, 1), 2), roundOff ? 4 : 12);
    }
  }

  // A line of words with a strip below it; returns what draws on the strip, 0 at step 0.
  #lane(words, height, own = false) {
    const lane = document.createElement("div"), name = document.createElement("span"), canvas = document.createElement("canvas");
    lane.className = own ? "lane own" : "lane";
    name.textContent = words;
    canvas.setAttribute("aria-hidden", "true");
    lane.append(name, canvas);
    this.box.append(lane);
    this.last = lane;
    const context = Canvas.fit(canvas, this.timeline.width, height);
    context.fillStyle = Palette.theme("shade");
    context.fillRect(0, 0, this.timeline.width, height);
    return context;
  }

  // Call with the place and width of each run of steps of one kind that is not false.
  #spans(rollout, kind, draw) {
    const unit = this.timeline.width / rollout.steps;
    for (let t = 0; t < rollout.steps; ) {
      const what = kind(t);
      let end = t + 1;
      while (end < rollout.steps && kind(end) === what) end++;
      if (what !== false) draw(t * unit, Math.max((end - t) * unit, 1), what);
      t = end;
    }
  }

  #element(rollout, e, view) {
    const anyRoundOff = [...Array(rollout.steps).keys()].some((t) => rollout.isFinite(t) && rollout.isRoundOff(t, e));
    const words = `${Words.element(rollout, e)}: ${view === "causes" ? "grey" : "blue"} where it is not zero`;
    const lane = this.#lane(words + (anyRoundOff ? ", purple where that is round-off" : ""), 14, true);
    const kind = (t) => {
      if (!rollout.isFinite(t)) return "unknown";
      if (rollout.isRoundOff(t, e)) return "round-off";
      if (!rollout.isZero(t, e)) return "nonzero";
      return (view === "causes" && rollout.cause(t, e)) || "zero";
    };
    this.#spans(rollout, kind, (x, width, what) => {
      if (what === "unknown") { Canvas.hatch(lane, x, 0, width, 14, Palette.theme("quiet")); return; }
      lane.fillStyle = what === "round-off" ? Palette.theme("clear") : what === "nonzero" ? Palette.theme(view === "causes" ? "fill" : "link")
        : what === "zero" ? Palette.theme("shade") : this.looks[what - 1].colour;
      lane.fillRect(x, 0, width, 14);
    });
    lane.strokeStyle = Palette.theme("line");
    lane.strokeRect(0.5, 0.5, this.timeline.width - 1, 13);
    this.#magnitude(rollout, e);
  }

  #magnitude(rollout, e) {
    const n = rollout.steps, steps = [...Array(n + 1).keys()];
    const sizes = steps.map((t) => (t < n && rollout.isFinite(t) && !rollout.isZero(t, e) ? rollout.decades(t, e) : null));
    if (sizes.every((x) => x === null)) return;
    sizes[n] = sizes[n - 1];
    const [least, most] = Codec.ends(sizes.filter((x) => x !== null)), low = Math.floor(least), high = Math.max(Math.ceil(most), low + 1);
    const holder = document.createElement("div");
    holder.setAttribute("role", "img");
    holder.setAttribute("aria-label", "magnitude of the element along the episode");
    this.last.append(holder);
    this.plot = new uPlot({
      width: this.timeline.left + this.timeline.width + 14, height: 90, padding: [6, 14, 0, 0], legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false }, points: { show: false } },
      scales: { x: { time: false, range: [0, n] }, y: { range: [low, high] } },
      axes: Timeline.axes("", (u, splits) => splits.map((x) => (Number.isInteger(x) ? (x === 0 ? "1" : `1e${x}`) : ""))),
      series: [{}, { label: "|\u2202|", stroke: Palette.theme("link"), width: 1.5, paths: uPlot.paths.stepped({ align: 1 }), points: { show: false } }],
    }, [steps, sizes], holder);
    this.plot.ctx.canvas.setAttribute("aria-hidden", "true");
  }
}
