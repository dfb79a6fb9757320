// Player: the slider, the clock, and time that runs by itself.
class Player {
  constructor(seek, now) {
    Object.assign(this, { seek, now, playing: false });
    for (const id of ["scrub", "clock", "play", "speed"]) this[id] = document.getElementById(id);
    this.slider = Object.assign(document.createElement("input"), { type: "range", min: 0, step: 1, id: "slider" });
    this.slider.setAttribute("aria-label", "step");
    this.scrub.append(this.slider);
    this.slider.addEventListener("input", () => { this.pause(); this.seek(Number(this.slider.value)); });
    const speeds = [["0.1", "0.1 ×"], ["0.25", "0.25 ×"], ["0.5", "0.5 ×"], ["1", "real time"]];
    this.speed.append(...speeds.map(([value, words]) => new Option(words, value)));
    this.speed.value = "0.25";
    this.still = matchMedia("(prefers-reduced-motion: reduce)");
  }

  show(rollout) {
    this.rollout = rollout;
    this.slider.max = rollout.steps - 1;
    this.pause();
  }

  mark(t) {
    const { rollout } = this;
    this.slider.value = t;
    const time = `${((t * rollout.dt)).toFixed(rollout.dt < 0.01 ? 3 : 2)} s`;
    this.clock.textContent = rollout.isRollout ? `step ${t} of ${rollout.steps - 1}, ${time}` : `row ${t} of ${rollout.steps - 1}`;
    this.slider.setAttribute("aria-valuetext", this.clock.textContent);
  }

  toggle() { if (this.playing) this.pause(); else this.start(); }

  start() {
    if (!this.rollout) return;
    const { t } = this.now();
    if (t >= this.rollout.steps - 1) this.seek(0);
    this.playing = true;
    this.#say();
    let last = null, owed = 0;
    const tick = (clock) => {
      if (!this.playing) return;
      owed += last === null ? 0 : (clock - last) / 1000 / this.#seconds();
      last = clock;
      const steps = Math.floor(owed);
      owed -= steps;
      if (steps) this.seek(this.now().t + steps);
      if (this.now().t >= this.rollout.steps - 1) { this.pause(); return; }
      requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
  }

  pause() {
    this.playing = false;
    this.#say();
  }

  // Seconds that a step is shown; whoever wants little motion sees two steps a second.
  #seconds() {
    if (this.still.matches) return 0.5;
    return this.rollout.isRollout ? this.rollout.dt / Number(this.speed.value) : 0.2;
  }

  #say() {
    this.play.textContent = this.playing ? "Pause" : "Play";
    this.play.setAttribute("aria-pressed", String(this.playing));
  }
}
