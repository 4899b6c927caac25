// When a component paints: once a frame at most, after something in it or its size has changed, while it is on the page.

// Returns what asks for a painting at the next frame; `resized` is called before one that comes of another size.
/**
 * @param {HTMLElement} root
 * @param {() => void} paint
 * @param {() => void} resized
 */
export function painting(root, paint, resized = () => {}) {
  let due = 0;
  const later = () => { due ||= requestAnimationFrame(now); };
  function now() {
    due = 0;
    if (root.isConnected) paint();
  }
  new ResizeObserver(() => { resized(); later(); }).observe(root);
  return later;
}
