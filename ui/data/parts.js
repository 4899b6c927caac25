// What the components of the data page share: pictures by their addresses, boxes and masks upon them.

export const FLAW = "#D55E00";
const MOST_PICTURES = 120;
const pictures = new Map(); // by address

// The picture at an address, null until it is there; then `redraw` is called.
export function pictureAt(address, redraw) {
  if (!address) return null;
  let picture = pictures.get(address);
  if (!picture) {
    picture = new Image();
    picture.src = address;
    pictures.set(address, picture);
    if (pictures.size > MOST_PICTURES) pictures.delete(pictures.keys().next().value);
  }
  if (picture.complete) return picture.naturalWidth ? picture : null;
  picture.addEventListener("load", redraw, { once: true });
  return null;
}

// One question at a time: the newest is asked when the answer to the last one is there, or is taken for lost.
export function oneAtATime(send, patience = 3000) {
  let asked = -Infinity; // nothing is on its way
  let next = null;
  const ask = (value) => {
    if (performance.now() - asked < patience) next = value;
    else {
      asked = performance.now();
      next = null;
      send(value);
    }
  };
  const answered = () => {
    asked = -Infinity;
    if (next !== null) ask(next);
  };
  return { ask, answered, waiting: () => next !== null };
}
