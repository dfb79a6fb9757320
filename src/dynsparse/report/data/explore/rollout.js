// Rollout: the steps of one episode.  An element is a number, row * columns + column; columns are those of the state,
// then those of the action.
class Rollout {
  constructor(given) {
    Object.assign(this, given);
    this.rows = given.tangentNames.length;
    this.states = this.rows;
    this.columns = this.rows + given.actionNames.length;
    this.elements = this.rows * this.columns;
    this.inputNames = [...given.tangentNames, ...given.actionNames];
    for (const name of ["finite", "zero", "negative", "active"]) this[name] = Codec.bytes(given[name]);
    this.small = given.small ? Codec.bytes(given.small) : this.zero;
    for (const name of ["state", "action", "reward"]) this[name] = Codec.floats(given[name]);
    this.codes = given.magnitude ? Codec.bytes(given.magnitude) : null;
    this.values = given.values ? Codec.doubles(given.values) : null;
    this.labels = given.causes ? Codec.bytes(given.causes.labels) : null;
    this.error = this.codes ? Codec.error(given.scale) : 0;
    this.sparsity = this.#sparsity();
    // Of zeros as they are counted, and of those with every number below round-off taken for zero.
    this.switches = this.#switches((t, e) => this.isZero(t, e));
    this.clearSwitches = this.#switches((t, e) => this.isSmall(t, e));
    const clear = new Set(this.clearSwitches.map((change) => change.t));
    for (const change of this.switches) change.roundOff = !clear.has(change.t);
    this.everActive = given.constraintNames.map((_, c) => c).filter((c) => this.#anyActive(c));
    this.range = this.#range();
  }

  isFinite(t) { return Codec.bit(this.finite, t) === 1; }
  isZero(t, e) { return Codec.bit(this.zero, t * this.elements + e) === 1; }
  // Zero, or no larger than round-off.
  isSmall(t, e) { return Codec.bit(this.small, t * this.elements + e) === 1; }
  isRoundOff(t, e) { return this.isSmall(t, e) && !this.isZero(t, e); }
  isActive(t, c) { return Codec.bit(this.active, t * this.constraintNames.length + c) === 1; }
  row(e) { return Math.floor(e / this.columns); }
  column(e) { return e % this.columns; }

  // log10 of the magnitude of an element that is not zero.
  decades(t, e) {
    const i = t * this.elements + e;
    return this.codes ? Codec.decades(this.codes[i], this.scale) : Math.log10(Math.abs(this.values[i]));
  }

  value(t, e) {
    if (!this.isFinite(t)) return NaN;
    if (this.isZero(t, e)) return 0;
    const i = t * this.elements + e;
    return this.values ? this.values[i] : (Codec.bit(this.negative, i) ? -1 : 1) * 10 ** this.decades(t, e);
  }

  // Index of the label of a zero, 0 for an element that is not zero, null where nobody looked.
  cause(t, e) {
    if (!this.labels || t >= this.causes.steps || !this.isFinite(t)) return null;
    const label = Codec.nibble(this.labels, t * this.elements + e);
    return label === 15 ? null : label;
  }

  // Whether an element is zero here and was not at the step before, or the other way round.
  changed(t, e) { return this.#follows(t) && this.isZero(t, e) !== this.isZero(t - 1, e); }

  // Whether only round-off tells it from the step before.
  changedByRoundOff(t, e) { return this.changed(t, e) && this.isSmall(t, e) === this.isSmall(t - 1, e); }

  // Whether a step and the one before it can be compared.
  #follows(t) { return this.isRollout && t > 0 && this.isFinite(t) && this.isFinite(t - 1); }

  // Stretches of zeros, of non-zeros and of steps that are not finite, in order: kind, first and last step, and whether
  // nothing in it is larger than round-off.  With `clear`, what is no larger than round-off is a zero.
  stretches(e, clear = false) {
    const found = [];
    for (let t = 0; t < this.steps; t++) {
      const zero = clear ? this.isSmall(t, e) : this.isZero(t, e), roundOff = this.isRoundOff(t, e);
      const kind = !this.isFinite(t) ? "unknown" : zero ? "zero" : "nonzero";
      const last = found[found.length - 1];
      if (last && last.kind === kind && this.isRollout) {
        last.to = t;
        last.roundOff &&= roundOff;
      } else found.push({ kind, from: t, to: t, roundOff });
    }
    return found;
  }

  #sparsity() {
    const shares = { combined: [], state: [], action: [], clear: [] };
    const sizes = { state: this.rows * this.states, action: this.rows * (this.columns - this.states) };
    for (let t = 0; t < this.steps; t++) {
      let state = 0, action = 0, small = 0;
      for (let e = 0; e < this.elements; e++) {
        if (!this.isSmall(t, e)) continue;
        small++;
        if (!this.isZero(t, e)) continue;
        if (e % this.columns < this.states) state++; else action++;
      }
      const known = this.isFinite(t);
      shares.state.push(known ? state / sizes.state : null);
      shares.action.push(known && sizes.action ? action / sizes.action : null);
      shares.combined.push(known ? (state + action) / this.elements : null);
      shares.clear.push(known ? small / this.elements : null);
    }
    return shares;
  }

  #switches(isZero) {
    const found = [];
    for (let t = 1; t < this.steps; t++) {
      if (!this.#follows(t)) continue;
      let born = 0, gone = 0;
      for (let e = 0; e < this.elements; e++) {
        const zero = isZero(t, e);
        if (zero === isZero(t - 1, e)) continue;
        if (zero) gone++; else born++;
      }
      if (!born && !gone) continue;
      const constraints = this.constraintNames
        .map((name, c) => ({ name, on: this.isActive(t, c), changed: this.isActive(t, c) !== this.isActive(t - 1, c) }))
        .filter((constraint) => constraint.changed);
      found.push({ t, born, gone, constraints });
    }
    return found;
  }

  #anyActive(c) {
    for (let t = 0; t < this.steps; t++) if (this.isActive(t, c)) return true;
    return false;
  }

  // Decades that the shades cover: at most eight below the largest magnitude.
  #range() {
    let low = Infinity, high = -Infinity;
    for (let t = 0; t < this.steps; t++) {
      for (let e = 0; e < this.elements && this.isFinite(t); e++) {
        if (this.isZero(t, e)) continue;
        const decades = this.decades(t, e);
        low = Math.min(low, decades);
        high = Math.max(high, decades);
      }
    }
    if (low > high) return [-1, 0];
    const top = Math.ceil(high - 1e-9);
    return [Math.min(Math.max(Math.floor(low), top - 8), top - 1), top];
  }
}
