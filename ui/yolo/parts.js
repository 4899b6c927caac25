// What the views of YOLO's loss share: the colours of its terms, and how a loss is written.

export const COLOURS = {
  centre: "#0072B2", sides: "#56B4E9", object: "#D55E00", no_object: "#E69F00", classification: "#009E73",
};

export const lossText = (value) => value.toFixed(value >= 0.095 ? 2 : 3);
