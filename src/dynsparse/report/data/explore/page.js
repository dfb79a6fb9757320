// Page: joins everything; the one place that knows which state is shown.
class Page {
  constructor() {
    const catalogue = JSON.parse(document.getElementById("catalogue").textContent);
    this.store = new Store(catalogue);
    this.place = new Place();
    const by = (id) => document.getElementById(id);
    const seek = (t, jump = false) => this.seek(t, jump);
    this.film = new Film();
    this.heatmap = new Heatmap(by("heat"), by("heatmap"), catalogue.looks, {
      select: (e, toggles) => this.select(e, toggles),
      hover: (e, event) => this.#hover(e, event),
    });
    this.legend = new Legend(by("legend"), catalogue.looks);
    this.timeline = new Timeline(document.querySelector("section.time"), by("timeline"), by("keys"), seek);
    this.lanes = new Lanes(by("lanes"), this.timeline, catalogue.looks);
    this.element = new ElementPanel(catalogue.labels, seek);
    this.scatter = new ScatterPanel(seek);
    this.switches = new Switches(seek, () => { this.#chosen(); this.#mark(); });
    this.player = new Player((t) => this.seek(t), () => ({ t: this.place.t, rollout: this.rollout }));
    this.tip = by("tip");
    this.readout = by("readout");
    this.choices = new Choices(this.store, (name, value) => this.#choice(name, value));
    this.failed = by("failed");
    this.#buttons();
    new Keyboard({
      ArrowLeft: (wide) => this.step(wide ? -10 : -1), ArrowRight: (wide) => this.step(wide ? 10 : 1),
      Home: () => this.seek(0), End: () => this.seek(Infinity), " ": () => this.player.toggle(),
      "[": () => this.jump(-1), "]": () => this.jump(1), v: () => this.look(this.place.view === "causes" ? "magnitude" : "causes"),
      Escape: () => this.#choose(null, true),
    });
    for (const name of ["popstate", "hashchange"]) window.addEventListener(name, () => this.#open());
    Palette.media.addEventListener("change", () => this.#redraw());
    let width = window.innerWidth;
    window.addEventListener("resize", () => {
      if (window.innerWidth !== width) this.#redraw();
      width = window.innerWidth;
    });
    this.#open();
  }

  // Show what the address names; say so in the address where it named something else, or nothing.
  async #open() {
    if (location.hash === this.place.fragment && this.rollout) return;
    this.place.read(location.hash);
    await this.#load(false);
  }

  async #load(jump) {
    const { place } = this;
    const entry = this.store.find(place);
    Object.assign(place, { environment: entry.environment, policy: entry.policy, episode: entry.episode });
    const asked = (this.asked = entry);
    this.choices.show(place);
    document.body.setAttribute("aria-busy", "true");
    let rollout = null, failure = "";
    try {
      rollout = await this.store.load(entry);
    } catch (error) {
      failure = error.message;
    }
    if (asked !== this.asked) return; // another one was chosen meanwhile
    document.body.removeAttribute("aria-busy");
    this.failed.hidden = !failure;
    this.failed.textContent = failure;
    if (rollout) this.#show(rollout);
    else if (this.standing) {
      // What was shown before stays, and the lists and the address say so.
      Object.assign(place, this.standing);
      this.choices.show(place);
    }
    if (this.rollout) place.write(jump && !failure);
  }

  #show(rollout) {
    const { place } = this;
    this.rollout = rollout;
    place.t = Math.min(place.t, rollout.steps - 1);
    if (place.element && (place.element[0] >= rollout.rows || place.element[1] >= rollout.columns)) place.element = null;
    this.player.show(rollout);
    this.film.show(rollout);
    this.scatter.show(rollout);
    this.switches.show(rollout);
    this.#redraw();
  }

  get chosen() {
    const { element } = this.place;
    return element ? element[0] * this.rollout.columns + element[1] : null;
  }

  #redraw() {
    if (!this.rollout) return;
    this.heatmap.resized();
    this.scatter.resized();
    this.timeline.show(this.rollout);
    this.#views();
    this.#chosen();
    this.#mark();
  }

  #chosen() {
    this.lanes.show(this.rollout, this.chosen, this.place.view, this.switches.found);
    this.element.show(this.rollout, this.chosen);
  }

  #mark() {
    const { rollout, place: { t, view } } = this;
    this.standing = this.place.shown;
    this.film.mark(t);
    this.heatmap.show(rollout, t, view, this.chosen);
    this.timeline.mark(t);
    this.element.mark(t);
    this.scatter.mark(t);
    this.switches.mark(t);
    this.player.mark(t);
    this.#read(this.heatmap.hovered ?? this.chosen);
    // The pointer rests while the rollout moves on below it.
    if (this.heatmap.hovered === null) this.tip.hidden = true;
    else if (!this.tip.hidden) this.tip.textContent = this.#words(this.heatmap.hovered).join("\n");
  }

  seek(t, jump = false) {
    if (!this.rollout) return; // keys work before the first one is there
    const to = Math.min(Math.max(t, 0), this.rollout.steps - 1);
    if (to === this.place.t) return;
    this.place.t = to;
    this.#mark();
    this.place.write(jump);
  }

  step(by) {
    this.player.pause();
    this.seek(this.place.t + by);
  }

  jump(direction) {
    if (!this.rollout) return;
    this.player.pause();
    const t = this.switches.near(this.place.t, direction);
    if (t !== null) this.seek(t, true);
  }

  select(e, toggles) {
    this.#choose(toggles && e === this.chosen ? null : e, toggles);
  }

  #choose(e, jump) {
    if (!this.rollout || e === this.chosen) return;
    this.place.element = e === null ? null : [this.rollout.row(e), this.rollout.column(e)];
    this.#chosen();
    this.#mark();
    this.place.write(jump);
  }

  look(view) {
    if (!this.rollout) return;
    this.place.view = view;
    this.#views();
    this.#chosen();
    this.#mark();
    this.place.write(true);
  }

  #views() {
    const { rollout, place: { view } } = this;
    for (const name of ["magnitude", "causes"]) {
      document.getElementById(`view-${name}`).setAttribute("aria-pressed", String(view === name));
    }
    const words = document.getElementById("no-causes"), steps = rollout.causes?.steps ?? 0;
    words.hidden = view !== "causes" || steps >= rollout.steps;
    words.textContent = steps ? `Zeros are explained in the first ${steps} steps only.`
      : `Why these elements are zero was not measured: dynsparse explore DIR --causes ${rollout.environment} does it, and keeps it.`;
    this.legend.show(rollout, view);
    document.getElementById("numbers").textContent = Words.numbers(rollout);
  }

  // Words about an element: its name, its value, since when and until when.
  #words(e) {
    const { rollout, place: { t } } = this;
    const lines = [Words.element(rollout, e), Words.value(rollout, t, e)];
    const cause = Words.cause(rollout, t, e, this.store.labels);
    if (cause) lines.push(`because: ${cause}`);
    const input = Words.input(rollout, t, e);
    if (input) lines.push(`here ${input}`);
    return lines;
  }

  #read(e) {
    const lines = e === null ? ["Point at an element, or move with the arrow keys, to read it."] : this.#words(e);
    this.readout.replaceChildren();
    const name = document.createElement("strong");
    name.textContent = e === null ? "" : lines.shift();
    this.readout.append(name, e === null ? lines[0] : `: ${lines.join("; ")}`);
    // While it plays nothing is to be read aloud.
    this.readout.setAttribute("aria-live", this.player.playing ? "off" : "polite");
  }

  #hover(e, event) {
    this.#read(e ?? this.chosen);
    this.tip.hidden = e === null || event.pointerType === "touch";
    if (this.tip.hidden) return;
    this.tip.textContent = this.#words(e).join("\n");
    const { offsetWidth, offsetHeight } = this.tip;
    const right = event.clientX + 16 + offsetWidth < window.innerWidth;
    this.tip.style.left = `${right ? event.clientX + 16 : Math.max(4, event.clientX - 12 - offsetWidth)}px`;
    this.tip.style.top = `${Math.min(event.clientY + 14, window.innerHeight - offsetHeight - 4)}px`;
  }

  #choice(name, value) {
    this.place[name] = value;
    if (name === "environment") Object.assign(this.place, { element: null, t: 0 });
    this.player.pause();
    this.#load(true);
  }

  #buttons() {
    const on = (id, action) => document.getElementById(id).addEventListener("click", action);
    on("previous", () => this.jump(-1));
    on("back", () => this.step(-1));
    on("play", () => this.player.toggle());
    on("forward", () => this.step(1));
    on("next", () => this.jump(1));
    on("view-magnitude", () => this.look("magnitude"));
    on("view-causes", () => this.look("causes"));
  }
}

new Page();
