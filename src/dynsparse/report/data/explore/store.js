// Store: what rollouts there are, and where their numbers come from: this page, or a script beside it.
class Store {
  constructor(catalogue) {
    this.rollouts = catalogue.rollouts;
    this.labels = catalogue.labels;
    this.looks = catalogue.looks;
    this.loaded = new Map();
    this.waiting = new Map();
    // A script that is loaded from the disk calls this with its numbers.
    window.dynsparseDeliver = (name, payload) => this.waiting.get(name)?.(payload);
  }

  environments() { return [...new Set(this.rollouts.map((entry) => entry.environment))]; }
  policies(environment) {
    return [...new Set(this.rollouts.filter((x) => x.environment === environment).map((x) => x.policy))];
  }
  episodes(environment, policy) {
    return this.rollouts.filter((x) => x.environment === environment && x.policy === policy).map((x) => x.episode);
  }

  // The rollout that was asked for, or the nearest there is.
  find({ environment, policy, episode }) {
    let left = this.rollouts;
    for (const [name, value] of Object.entries({ environment, policy, episode })) {
      const named = left.some((x) => x[name] === value) ? value : left[0][name];
      left = left.filter((x) => x[name] === named);
    }
    return left[0];
  }

  async load(entry) {
    const name = entry.src ?? entry.id;
    if (!this.loaded.has(name)) {
      const payload = entry.src ? await this.#fetch(entry.src)
        : JSON.parse(document.getElementById(entry.id).textContent);
      this.loaded.set(name, new Rollout(payload));
      // Full data is large: the four that were looked at last stay.
      if (entry.src && this.loaded.size > 4) this.loaded.delete(this.loaded.keys().next().value);
    }
    return this.loaded.get(name);
  }

  #fetch(source) {
    return new Promise((resolve, reject) => {
      const script = document.createElement("script");
      this.waiting.set(source, resolve);
      script.onerror = () => reject(new Error(`${source} is not beside this page; write the folder again`));
      script.onload = () => { script.remove(); this.waiting.delete(source); };
      script.src = source;
      document.head.append(script);
    });
  }
}
