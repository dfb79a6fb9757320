// Choices: the lists of environments, policies and episodes.
class Choices {
  constructor(store, changed) {
    this.store = store;
    for (const [name, read] of [["environment", String], ["policy", String], ["episode", Number]]) {
      this[name] = document.getElementById(name);
      this[name].addEventListener("change", () => changed(name, read(this[name].value)));
    }
  }

  show(place) {
    const { store } = this;
    this.#fill("environment", store.environments(), place);
    this.#fill("policy", store.policies(place.environment), place);
    const entries = store.episodes(place.environment, place.policy);
    this.#fill("episode", entries.map((entry) => entry.episode), place, entries.map((entry) => this.#named(entry, place)));
  }

  #fill(name, values, place, words = values) {
    this[name].replaceChildren(...values.map((value, k) => new Option(words[k], value)));
    this[name].value = String(place[name]);
    this[name].disabled = values.length < 2;
  }

  #named({ episode, steps, episodeSteps, isRollout }, place) {
    if (!isRollout) return `${steps.toLocaleString("en")} of ${episodeSteps.toLocaleString("en")} states`;
    const isShort = episode === place.episode && steps < episodeSteps;
    return isShort ? `${episode} (first ${steps} of ${episodeSteps} steps)` : String(episode);
  }
}
