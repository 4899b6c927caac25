"""Generated programs for autograd: lines of source that assign tensors, the last one the result."""

import random

SHAPES = ((), (3,), (2, 3), (3, 3), (3, 2))

# Of any shape; their results are smooth and of moderate size.
UNARY = (
    "sin({0})",
    "tanh({0})",
    "sigmoid({0})",
    "exp(sin({0}))",
    "log({0} * {0} + 1)",
    "sqrt({0} * {0} + 1)",
    "-{0}",
    "{0} ** 2 / 4",
    "1 - {0} * 0.5",
    "{0} / 3 + {0}",
    "cos({0}).reshape(-1)[0]",
    "softmax({0}.reshape(-1), dim=0)",
    "log_softmax({0}.reshape(-1), dim=0)",
    "{0}.sum()",
    "mean({0})",
    "cat([{0}.reshape(-1), sin({0}).reshape(-1)]).sum()",
)
SAME_SHAPE = ("{0} + {1}", "{0} - {1}", "{0} * {1}", "{0} / ({1} * {1} + 1)", "where({0} > 0.1234, {0}, {1})")
MATRIX = (
    "{0}.T",
    "{0}.sum(dim=0)",
    "{0}.mean(dim=1)",
    "{0}[0]",
    "{0}[:, 1:]",
    "{0}.reshape(-1)",
    "softmax({0}, dim=1)",
)
CUTS = ("{0} * {0}.detach()", "{0} + 2 * {0}.detach().sum()", "{0} * ({0} > 0)")


class _Program:
    def __init__(self, seed: int, cuts: bool):
        self._random = random.Random(seed)
        self._shapes: dict[str, tuple[int, ...]] = {}
        self._cuts = cuts
        self.lines: list[str] = []

    def leaf(self) -> None:
        shape = self._random.choice(SHAPES)
        self._assign(f"tensor({self._numbers(shape)}, requires_grad=True)", shape)

    def _numbers(self, shape: tuple[int, ...]) -> str:
        if not shape:
            return str(self._random.randint(-384, 384) / 256)  # the same number in float32 and float64
        return "[" + ", ".join(self._numbers(shape[1:]) for _ in range(shape[0])) + "]"

    def _assign(self, source: str, shape: tuple[int, ...]) -> None:
        name = chr(ord("a") + len(self._shapes))
        self._shapes[name] = shape
        self.lines.append(f"{name} = {source}")

    def step(self) -> None:
        name, shape = self._pick(self._shapes)
        same = [other for other, size in self._shapes.items() if size == shape]
        kind = self._random.random()
        if kind < 0.4:
            pattern = self._random.choice(SAME_SHAPE)
            self._assign(pattern.format(name, self._random.choice(same)), shape)
        elif kind < 0.6 and len(shape) == 2:
            self._matrix(name, shape)
        elif kind < 0.7 and self._cuts:
            self._assign(self._random.choice(CUTS).format(name), shape)
        elif kind < 0.75 and shape:
            scalar = [other for other, size in self._shapes.items() if not size]
            self._assign(f"{name} * {self._random.choice([*scalar, '0.7'])}", shape)
        else:
            pattern = self._random.choice(UNARY)
            self._assign(pattern.format(name), self._after(pattern, shape))

    def finish(self) -> None:
        """Bring together what was made, so that most leaves matter."""
        terms = [f"({name} * cos({name})).sum()" for name in list(self._shapes)[-4:]]
        self._assign(f"{terms[0]} * {' + '.join(terms[1:])}", ())

    def _pick(self, shapes: dict[str, tuple[int, ...]]) -> tuple[str, tuple[int, ...]]:
        return self._random.choice(list(shapes.items())[-4:])  # mostly what was made last, so that graphs get deep

    def _matrix(self, name: str, shape: tuple[int, ...]) -> None:
        rows, columns = shape
        partners = [other for other, size in self._shapes.items() if len(size) == 2 and size[0] == columns]
        if partners and self._random.random() < 0.6:
            other = self._random.choice(partners)
            self._assign(f"tanh({name} @ {other})", (rows, self._shapes[other][1]))
            return
        pattern = self._random.choice(MATRIX)
        after = {".T": (columns, rows), "(dim=0)": (columns,), "(dim=1)": (rows,), "[0]": (columns,)}
        after |= {"1:]": (rows, columns - 1), "(-1)": (rows * columns,)}
        self._assign(pattern.format(name), next((size for end, size in after.items() if pattern.endswith(end)), shape))

    def _after(self, pattern: str, shape: tuple[int, ...]) -> tuple[int, ...]:
        if pattern.endswith(("sum()", "[0]")) or pattern.startswith("mean"):
            return ()
        if "softmax" in pattern:
            size = 1
            for side in shape:
                size *= side
            return (size,)
        return shape


def program(seed: int, cuts: bool = False) -> str:
    """Return the lines of one program of random leaves and operations; with ``cuts`` some paths carry no gradient."""
    made = _Program(seed, cuts)
    for _leaf in range(1 + seed % 3):
        made.leaf()
    for _step in range(4 + seed % 9):
        made.step()
    made.finish()
    return "\n".join(made.lines)
