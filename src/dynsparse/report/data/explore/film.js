// Film: the frame of this moment, and what is known about it.
class Film {
  constructor() {
    for (const id of ["picture", "no-frame", "facts", "film-title"]) this[id] = document.getElementById(id);
    this.image = document.createElement("img");
    this.image.decoding = "sync";
    this.picture.append(this.image);
  }

  show(rollout) {
    this.rollout = rollout;
    const { missing } = rollout.frames;
    this["no-frame"].hidden = !missing;
    this["no-frame"].textContent = missing ? `No frames: ${missing}` : "";
    this.picture.hidden = Boolean(missing);
    this.returns = [];
    rollout.reward.reduce((sum, x, t) => (this.returns[t] = sum + x), 0);
    this.drawn = null;
  }

  mark(t) {
    const { rollout } = this, { frames } = rollout;
    if (!frames.missing) {
      const k = Math.min(Math.floor(t / frames.every), frames.pictures.length - 1);
      if (k !== this.drawn) {
        this.drawn = k;
        this.image.src = `data:${frames.type};base64,${frames.pictures[k]}`;
        this.image.alt = `${rollout.environment}, policy ${rollout.policy}, at step ${k * frames.every}`;
      }
      const told = frames.every > 1 ? ` of step ${k * frames.every} (every ${frames.every} steps)` : ` of step ${k}`;
      this["film-title"].textContent = `Frame${told}`;
    } else {
      this["film-title"].textContent = "Frame";
    }
    this.facts.replaceChildren(...this.#facts(t).flatMap(([name, value]) => {
      const [term, words] = [document.createElement("dt"), document.createElement("dd")];
      term.textContent = name;
      words.textContent = value;
      return [term, words];
    }));
  }

  #facts(t) {
    const { rollout } = this, share = rollout.sparsity;
    const active = rollout.constraintNames.filter((_, c) => rollout.isActive(t, c));
    const facts = rollout.isRollout ? [["reward", `${Words.number(rollout.reward[t])}, so far ${Words.number(this.returns[t], 4)}`]] : [];
    facts.push(["zeros", Words.percent(share.combined[t])]);
    if (rollout.actionNames.length) facts.push(["", `${Words.percent(share.state[t])} of \u2202s\u2032/\u2202s, ${Words.percent(share.action[t])} of \u2202s\u2032/\u2202a`]);
    facts.push(["active", active.join(", ") || "no limit, no contact"]);
    return facts;
  }
}
