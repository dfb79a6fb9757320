// Keyboard: keys that work everywhere on the page, save where something else needs them.
class Keyboard {
  constructor(commands) {
    document.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
      const { target, key } = event;
      const inList = target.closest?.("select, textarea");
      const onButton = target.closest?.("button, summary, a, [type=checkbox]");
      const onSlider = target.closest?.("[type=range]");
      if (inList || (onButton && key === " ") || (onSlider && !["[", "]", " ", "v", "Escape"].includes(key))) return;
      const command = commands[key.length === 1 ? key.toLowerCase() : key];
      if (!command) return;
      event.preventDefault();
      command(event.shiftKey);
    });
  }
}
