// Palette: colours of the page's theme, and of numbers.
const Palette = {
  // Viridis, which is uniform, and readable by the colour-blind and in grey.
  viridis: ["#440154", "#482475", "#414487", "#355f8d", "#2a788e", "#21918c", "#22a884", "#44bf70", "#7ad151", "#bddf26", "#fde725"],
  dark: () => matchMedia("(prefers-color-scheme: dark)").matches,
  theme(name) { return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim(); },

  shade(share) {
    // On a dark page the darkest shades would look like the page itself.
    const from = Palette.dark() ? 0.14 : 0;
    const place = (from + (1 - from) * Math.min(Math.max(share, 0), 1)) * (Palette.viridis.length - 1);
    const i = Math.min(Math.floor(place), Palette.viridis.length - 2), part = place - i;
    const [a, b] = [Palette.viridis[i], Palette.viridis[i + 1]].map((c) => [1, 3, 5].map((k) => parseInt(c.slice(k, k + 2), 16)));
    return `rgb(${a.map((x, k) => Math.round(x + (b[k] - x) * part)).join(",")})`;
  },

  magnitude(decades, [low, high]) { return Palette.shade((decades - low) / (high - low)); },

  // Black or white, whichever can be read on a colour.
  inkOn(colour) {
    const [r, g, b] = [1, 3, 5].map((k) => parseInt(colour.slice(k, k + 2), 16));
    return 0.299 * r + 0.587 * g + 0.114 * b > 140 ? "#000000" : "#ffffff";
  },
};
