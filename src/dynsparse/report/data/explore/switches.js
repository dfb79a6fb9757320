// Switches: the steps at which the pattern changes, to jump to; those that are round-off alone are left out at first.
class Switches {
  constructor(seek, changed) {
    this.seek = seek;
    for (const id of ["switches", "switches-words", "skip", "skip-label"]) this[id] = document.getElementById(id);
    this.box = this.switches;
    this.skip.addEventListener("change", () => { this.#list(); changed(); });
  }

  show(rollout) {
    this.rollout = rollout;
    const { switches, clearSwitches, isRollout, steps } = rollout, all = switches.length, clear = clearSwitches.length;
    const differ = switches.some((change) => change.roundOff) || all !== clear;
    this["skip-label"].hidden = !differ;
    const limit = Words.roundOff(rollout);
    this["switches-words"].textContent = !isRollout ? "These rows do not follow each other: there is no switch between them."
      : `The pattern changes at ${Words.count(all, "step")} of ${steps - 1}` +
        (differ ? `; with all that is below ${limit}, round-off, taken for zero, at ${clear}.` : ".") +
        " [ and ] go to the one before and after.";
    this.#list();
  }

  // The switches that are listed: of zeros as they are counted, or with round-off taken for zero.
  get found() { return this.skip.checked ? this.rollout.clearSwitches : this.rollout.switches; }

  #list() {
    this.box.replaceChildren(...this.found.map((change) => this.#entry(change)));
    this.marked = null;
  }

  mark(t) {
    this.marked?.setAttribute("aria-current", "false");
    const index = this.found.findIndex((change) => change.t === t);
    this.marked = index < 0 ? null : this.box.children[index];
    this.marked?.setAttribute("aria-current", "true");
    List.reveal(this.box, this.marked);
  }

  // The listed switch before (-1) or after (1) a step, or null.
  near(t, direction) {
    const times = this.found.map((change) => change.t);
    return (direction < 0 ? times.filter((x) => x < t).pop() : times.find((x) => x > t)) ?? null;
  }

  #entry(change) {
    const entry = document.createElement("button"), more = document.createElement("small");
    entry.type = "button";
    entry.dataset.t = change.t;
    entry.append(`step ${change.t}: ${Words.switch(change)}`);
    more.textContent = [change.roundOff && "round-off", Words.constraints(change)].filter(Boolean).join(", ");
    entry.append(more);
    entry.addEventListener("click", () => this.seek(change.t, true));
    return entry;
  }
}
