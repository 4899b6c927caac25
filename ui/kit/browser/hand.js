// A value in the user's hand: the browser moves it at once, Python is asked one question at a time.

const PATIENCE = 1500; // ms after which an answer counts as lost

/** @type {(one: any, other: any) => boolean} */
const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);
/** @type {(moment: { at: number }) => boolean} */
const isRecent = (moment) => performance.now() - moment.at < PATIENCE;

/**
 * Returns a hand. `send` is told where the value is: "dragged" now and then while it is held, "down" when it is let go.
 * @template Value
 * @param {(event: "dragged" | "down", value: Value) => void} send
 */
export function handOf(send) {
  /** @type {Value} */
  let value = null; // as the user sees it
  /** @type {Value} */
  let answered = null; // what Python's last answer is about
  let isHeld = false;
  /** @type {{ at: number }} */
  let asked = null; // when the question was asked that has no answer yet
  /** @type {{ value: Value, at: number }} */
  let left = null; // where the hand has left it

  // The next question is asked, about where the value is by then, when the answer is there.
  function ask() {
    if ((asked && isRecent(asked)) || same(value, answered)) return;
    asked = { at: performance.now() };
    send("dragged", value);
  }
  return {
    value: () => value,
    isHeld: () => isHeld,
    // Take it up, where it is to be.
    take(next = value) {
      isHeld = true;
      value = next;
    },
    /** @param {Value} next */
    move(next) {
      value = next;
      ask();
    },
    letGo() {
      if (!isHeld) return;
      isHeld = false;
      asked = null;
      left = { value, at: performance.now() };
      send("down", value);
    },
    // Python has answered about `now`; that may be an answer to an earlier question.
    /** @param {Value} now */
    answer(now) {
      answered = now;
      asked = null;
      if (isHeld) ask();
      else if (!left || same(left.value, now) || !isRecent(left)) {
        left = null;
        value = now;
      }
    },
  };
}
