// Words: numbers and elements as people read them.
const Words = {
  number(x, digits = 3) {
    if (x === 0) return "0";
    const size = Math.abs(x);
    const plain = size >= 1e-3 && size < 1e5;
    const text = plain ? String(Number(size.toPrecision(digits))) : size.toExponential(digits - 1).replace("e+", "e");
    return (x < 0 ? "\u2212" : "") + text;
  },
  percent: (share) => (share === null ? "unknown" : `${(100 * share).toFixed(1)} %`),
  count: (n, one, many = `${one}s`) => `${n.toLocaleString("en")} ${n === 1 ? one : many}`,
  span: (from, to) => (from === to ? `step ${from}` : `steps ${from} to ${to}`),

  element(rollout, e) {
    return `next ${rollout.tangentNames[rollout.row(e)]} by ${rollout.inputNames[rollout.column(e)]}`;
  },

  unit(rollout, e) {
    const above = rollout.tangentUnits[rollout.row(e)], column = rollout.column(e);
    const below = column < rollout.states ? rollout.tangentUnits[column] : "unit of action";
    const wrap = (unit) => (/[/*]/.test(unit) ? `(${unit})` : unit);
    if (above === below) return "";
    return ` ${wrap(above || "1")} per ${wrap(below || "1")}`;
  },

  roundOff: (rollout) => rollout.roundOff.toExponential(),

  // The value of an element to its precision, with its unit.
  value(rollout, t, e) {
    if (!rollout.isFinite(t)) return "not finite at this step";
    if (rollout.isZero(t, e)) return `0 (|x| < ${rollout.atol.toExponential()})`;
    const value = rollout.value(t, e), small = rollout.isRoundOff(t, e) ? `, below ${Words.roundOff(rollout)}: round-off` : "";
    if (rollout.values) return `${Words.number(value, 8)}${Words.unit(rollout, e)}${small}`;
    return `${Words.number(value, 2)}${Words.unit(rollout, e)} (\u00b1 ${Math.ceil(100 * rollout.error)} %)${small}`;
  },

  cause(rollout, t, e, labels) {
    if (!rollout.isFinite(t) || !rollout.isZero(t, e)) return "";
    const label = rollout.cause(t, e);
    return label === null ? "" : labels[label];
  },

  // The input that an element differentiates by, as it is at a step.
  input(rollout, t, e) {
    const column = rollout.column(e), name = rollout.inputNames[column];
    if (column >= rollout.states) {
      const k = column - rollout.states, da = rollout.actionNames.length;
      return `${name} = ${Words.number(rollout.action[t * da + k])}`;
    }
    const k = rollout.stateNames.indexOf(name);
    if (k < 0) return "";
    return `${name} = ${Words.number(rollout.state[t * rollout.stateNames.length + k])} ${rollout.stateUnits[k]}`;
  },

  switch(change) {
    const told = (n, what) => n && `${n} become${n === 1 ? "s" : ""} ${what}`;
    return [told(change.born, "non-zero"), told(change.gone, "zero")].filter(Boolean).join(", ");
  },

  // What the numbers of a page are.
  numbers(rollout) {
    const zeros = `An element is zero when |x| < ${rollout.atol.toExponential()} (${rollout.derivative} derivative). `;
    const small = rollout.small === rollout.zero ? ""
      : `What is not zero and below ${Words.roundOff(rollout)} is called round-off: sums that cancel leave it, and it moves with the order of additions. `;
    const held = rollout.values ? "Other elements are held with all their digits."
      : `Other elements are held in 8 bits: 1 to 255 stand for magnitudes from 1e${rollout.scale[0]} to 1e${rollout.scale[1]} in equal steps of their logarithm, so each is known to \u00b1 ${(100 * rollout.error).toFixed(1)} %. ` +
        "dynsparse explore DIR --full FOLDER writes them with all their digits.";
    return zeros + small + held;
  },
  constraints: (change) => change.constraints.map((c) => `${c.name} ${c.on ? "on" : "off"}`).join(", "),
};
