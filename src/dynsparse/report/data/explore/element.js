// Element: one element of the Jacobian along the episode, in words and as stretches to jump to.
class ElementPanel {
  constructor(labels, seek) {
    Object.assign(this, { labels, seek });
    for (const id of ["element-title", "no-element", "element-words", "stretches"]) this[id] = document.getElementById(id);
  }

  show(rollout, e) {
    this.rollout = rollout;
    this["no-element"].hidden = e !== null;
    this["element-words"].hidden = e === null;
    this.stretches.replaceChildren();
    this.marked = null;
    this["element-title"].textContent = e === null ? "Element" : `Element: ${Words.element(rollout, e)}`;
    if (e === null) return;
    const found = rollout.stretches(e), zeros = found.filter((x) => x.kind === "zero");
    const steps = zeros.reduce((sum, x) => sum + x.to - x.from + 1, 0);
    const unit = rollout.isRollout ? "step" : "row";
    this["element-words"].textContent = `Zero in ${Words.count(steps, unit)} of ${rollout.steps} (${Words.percent(steps / rollout.steps)})` +
      (rollout.isRollout ? `, in ${Words.count(zeros.length, "stretch", "stretches")}.` : ". These rows do not follow each other: there are no stretches.") +
      this.#roundOff(rollout, e, found);
    if (!rollout.isRollout) return;
    this.stretches.append(...found.map((stretch) => this.#entry(rollout, e, stretch)));
  }

  mark(t) {
    const { from, to } = this.marked?.dataset ?? {};
    if (Number(from) <= t && t <= Number(to)) return;
    this.marked?.setAttribute("aria-current", "false");
    this.marked = [...this.stretches.children].find((entry) => Number(entry.dataset.from) <= t && t <= Number(entry.dataset.to));
    this.marked?.setAttribute("aria-current", "true");
    List.reveal(this.stretches, this.marked);
  }

  // What round-off does to the count of stretches, where it does anything.
  #roundOff(rollout, e, found) {
    const broken = found.filter((stretch) => stretch.roundOff).length;
    if (!broken || !rollout.isRollout) return "";
    const zeros = rollout.stretches(e, true).filter((x) => x.kind === "zero").length;
    return ` ${Words.count(broken, "stretch", "stretches")} of non-zeros ${broken === 1 ? "is" : "are"} round-off, below ${Words.roundOff(rollout)} throughout: ` +
      `taken for zero, ${broken === 1 ? "it leaves" : "they leave"} ${Words.count(zeros, "stretch", "stretches")} of zeros.`;
  }

  #entry(rollout, e, { kind, from, to, roundOff }) {
    const entry = document.createElement("button"), more = document.createElement("small");
    entry.type = "button";
    Object.assign(entry.dataset, { from, to, kind, roundOff });
    const named = { zero: "zero", nonzero: "not zero", unknown: "not finite" }[kind];
    entry.append(`${Words.span(from, to)}: ${named}`);
    const causes = new Set();
    for (let t = from; t <= to; t++) causes.add(Words.cause(rollout, t, e, this.labels));
    more.textContent = [Words.count(to - from + 1, "step"), roundOff && `round-off, below ${Words.roundOff(rollout)}`, ...causes].filter(Boolean).join(", ");
    entry.append(more);
    entry.addEventListener("click", () => this.seek(from, true));
    return entry;
  }
}
