// List: entries in a box that scrolls.
const List = {
  // Scroll the box, and nothing but the box, so that an entry is seen: scrollIntoView would move the page too.
  reveal(box, entry) {
    if (!entry) return;
    const top = entry.offsetTop - box.offsetTop, { scrollTop, clientHeight } = box;
    if (top < scrollTop || top + entry.offsetHeight > scrollTop + clientHeight) box.scrollTop = top - clientHeight / 2;
  },
};
