// Switches: the steps at which the pattern changes, to jump to.
class Switches {
  constructor(seek) {
    this.seek = seek;
    this.box = document.getElementById("switches");
    this.words = document.getElementById("switches-words");
  }

  show(rollout) {
    this.found = rollout.switches;
    const pairs = rollout.steps - 1;
    this.words.textContent = rollout.isRollout
      ? `The pattern changes at ${Words.count(this.found.length, "step")} of ${pairs}. [ and ] go to the one before and after.`
      : "These rows do not follow each other: there is no switch between them.";
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

  // The switch before (-1) or after (1) a step, or null.
  near(t, direction) {
    const times = this.found.map((change) => change.t);
    return (direction < 0 ? times.filter((x) => x < t).pop() : times.find((x) => x > t)) ?? null;
  }

  #entry(change) {
    const entry = document.createElement("button"), more = document.createElement("small");
    entry.type = "button";
    entry.dataset.t = change.t;
    entry.append(`step ${change.t}: ${Words.switch(change)}`);
    more.textContent = Words.constraints(change);
    entry.append(more);
    entry.addEventListener("click", () => this.seek(change.t, true));
    return entry;
  }
}
