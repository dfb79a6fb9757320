// Palette: colours of the page's theme, and of numbers.
const Palette = {
  // Viridis, which is uniform, and readable by the colour-blind and in grey.
  viridis: ["#440154", "#482475", "#414487", "#355f8d", "#2a788e", "#21918c", "#22a884", "#44bf70", "#7ad151", "#bddf26", "#fde725"],
  media: matchMedia("(prefers-color-scheme: dark)"),
  dark: () => Palette.media.matches,

  // A colour of the style sheet; asked for once in each theme, because a browser takes long to answer.
  known: { false: new Map(), true: new Map() },
  theme(name) {
    const known = Palette.known[Palette.dark()];
    if (!known.has(name)) known.set(name, getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim());
    return known.get(name);
  },

  tables: new Map(),

  // One of 256 shades, for a share from 0 to 1.
  shade(share) {
    const dark = Palette.dark();
    if (!Palette.tables.has(dark)) Palette.tables.set(dark, Palette.table(dark));
    return Palette.tables.get(dark)[Math.round(255 * Math.min(Math.max(share, 0), 1))];
  },

  table(dark) {
    // On a dark page the darkest shades would look like the page itself.
    const from = dark ? 0.14 : 0, stops = Palette.viridis.map(Palette.parts);
    return [...Array(256).keys()].map((k) => {
      const place = (from + ((1 - from) * k) / 255) * (stops.length - 1), i = Math.min(Math.floor(place), stops.length - 2);
      return `rgb(${stops[i].map((x, c) => Math.round(x + (stops[i + 1][c] - x) * (place - i))).join(",")})`;
    });
  },

  parts: (colour) => [1, 3, 5].map((k) => parseInt(colour.slice(k, k + 2), 16)),

  magnitude(decades, [low, high]) { return Palette.shade((decades - low) / (high - low)); },

  // Black or white, whichever can be read on a colour.
  inkOn(colour) {
    const [r, g, b] = Palette.parts(colour);
    return 0.299 * r + 0.587 * g + 0.114 * b > 140 ? "#000000" : "#ffffff";
  },
};
