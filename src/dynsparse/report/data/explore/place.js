// Place: which state is shown, and the fragment of the address that names it.
class Place {
  constructor() {
    Object.assign(this, { environment: "", policy: "", episode: 0, t: 0, element: null, view: "magnitude" });
    this.timer = null;
  }

  // Take what a fragment says; what it does not say keeps its value.
  read(fragment) {
    const said = new URLSearchParams(fragment.replace(/^#/, ""));
    const whole = (name) => (/^\d+$/.test(said.get(name) ?? "") ? Number(said.get(name)) : null);
    if (said.has("env")) this.environment = said.get("env");
    if (said.has("policy")) this.policy = said.get("policy");
    this.episode = whole("episode") ?? this.episode;
    this.t = whole("t") ?? 0;
    const cell = /^(\d+)-(\d+)$/.exec(said.get("element") ?? "");
    this.element = cell ? [Number(cell[1]), Number(cell[2])] : null;
    this.view = said.get("view") === "causes" ? "causes" : "magnitude";
  }

  // What is shown, to come back to.
  get shown() {
    const { environment, policy, episode, t, element, view } = this;
    return { environment, policy, episode, t, element, view };
  }

  get fragment() {
    const said = new URLSearchParams();
    said.set("env", this.environment);
    said.set("policy", this.policy);
    said.set("episode", this.episode);
    said.set("t", this.t);
    if (this.element) said.set("element", this.element.join("-"));
    said.set("view", this.view);
    return `#${said}`;
  }

  // Name the state in the address.  A step of its own in the history is for jumps; scrubbing would fill it, and browsers
  // refuse more than a few changes a second.
  write(jump) {
    clearTimeout(this.timer);
    if (jump) this.#put("pushState");
    else this.timer = setTimeout(() => this.#put("replaceState"), 200);
  }

  #put(how) {
    if (location.hash !== this.fragment) history[how](null, "", this.fragment);
  }
}
