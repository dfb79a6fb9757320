// Store: what rollouts there are, and where their numbers come from: this page, or a script beside it.
class Store {
  // Rollouts that stay in memory, those that were looked at last: full data is large.
  static kept = 4;
  // Milliseconds after which a script that has not come is given up.
  static patience = 120_000;

  constructor(catalogue) {
    this.rollouts = catalogue.rollouts;
    this.labels = catalogue.labels;
    this.looks = catalogue.looks;
    this.loaded = new Map();
    this.coming = new Map();
    this.waiting = new Map();
    // A script that is loaded from the disk calls this with its numbers.
    window.dynsparseDeliver = (name, payload) => this.waiting.get(name)?.(payload);
  }

  environments() { return [...new Set(this.rollouts.map((entry) => entry.environment))]; }
  policies(environment) {
    return [...new Set(this.rollouts.filter((x) => x.environment === environment).map((x) => x.policy))];
  }
  episodes(environment, policy) { return this.rollouts.filter((x) => x.environment === environment && x.policy === policy); }

  // The rollout that was asked for, or the nearest there is.
  find({ environment, policy, episode }) {
    let left = this.rollouts;
    for (const [name, value] of Object.entries({ environment, policy, episode })) {
      const named = left.some((x) => x[name] === value) ? value : left[0][name];
      left = left.filter((x) => x[name] === named);
    }
    return left[0];
  }

  // The numbers of a rollout; an Error in words for people where they do not come or can not be read.
  async load(entry) {
    const name = entry.src ?? entry.id;
    let rollout = this.loaded.get(name);
    if (!rollout) {
      // Whoever asks twice waits for the same.
      if (!this.coming.has(name)) this.coming.set(name, this.#read(entry, name).finally(() => this.coming.delete(name)));
      rollout = await this.coming.get(name);
    }
    this.loaded.delete(name); // to the end of the line, whose first is the one looked at longest ago
    this.loaded.set(name, rollout);
    if (this.loaded.size > Store.kept) this.loaded.delete(this.loaded.keys().next().value);
    return rollout;
  }

  async #read(entry, name) {
    const payload = entry.src ? await this.#fetch(entry.src) : null;
    const again = `write the ${entry.src ? "folder" : "page"} again`;
    try {
      const given = payload ?? JSON.parse(document.getElementById(entry.id).textContent);
      const other = ["environment", "policy", "episode"].find((key) => given[key] !== entry[key]);
      if (other) throw new Error(`its ${other} is ${given[other]}`);
      return new Rollout(given);
    } catch (error) {
      throw new Error(`${name} does not hold ${entry.environment}, ${entry.policy}, episode ${entry.episode} (${error.message}); ${again}`, { cause: error });
    }
  }

  #fetch(source) {
    const script = document.createElement("script");
    let timer;
    const come = new Promise((resolve, reject) => {
      const fail = (what) => reject(new Error(`${source} ${what}; write the folder again`));
      this.waiting.set(source, resolve);
      script.onerror = () => fail("is not beside this page");
      script.onload = () => fail("is damaged: it delivers nothing"); // too late where it has delivered
      timer = setTimeout(() => reject(new Error(`${source} has not come in ${Store.patience / 1000} s; choose it again to wait for it again`)), Store.patience);
      script.src = source;
      document.head.append(script);
    });
    return come.finally(() => {
      clearTimeout(timer);
      script.remove();
      this.waiting.delete(source);
    });
  }
}
