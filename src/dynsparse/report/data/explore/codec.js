// Codec: reads what explore_code.py wrote.  Bits and nibbles begin at the lowest; floats are little-endian, as is every
// machine that a browser runs on.
const Codec = {
  bytes(text) {
    const raw = atob(text), out = new Uint8Array(raw.length);
    for (let i = 0; i < raw.length; i++) out[i] = raw.charCodeAt(i);
    return out;
  },
  floats: (text) => new Float32Array(Codec.bytes(text).buffer),
  doubles: (text) => new Float64Array(Codec.bytes(text).buffer),
  words: (text) => new Uint16Array(Codec.bytes(text).buffer),
  // Smallest and largest number; those of a long rollout are too many for the arguments of one call.
  ends(numbers) {
    let [low, high] = [Infinity, -Infinity];
    for (const x of numbers) {
      if (x < low) low = x;
      if (x > high) high = x;
    }
    return [low, high];
  },
  bit: (bytes, i) => (bytes[i >> 3] >> (i & 7)) & 1,
  nibble: (bytes, i) => (bytes[i >> 1] >> (4 * (i & 1))) & 15,
  // log10 of the magnitude that a code from 1 to 255 stands for.
  decades: (code, [low, high]) => low + ((code - 1) / 254) * (high - low),
  // Largest relative error of a magnitude: half a step.
  error: ([low, high]) => 10 ** ((high - low) / 254 / 2) - 1,
};
