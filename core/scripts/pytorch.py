"""Scripts for the pages on PyTorch itself: tensors, autograd, modules and optimizers."""

from collections.abc import Mapping

from core.autograd.classifier import Plan
from core.scripts.script import Script, written

TENSORS = '''
from core.tensors import ExpressionError, evaluate

source = """\\
$source
"""

# Each line is PyTorch's own; evaluate() reads them as the page does, so that nothing else can be run.
try:
    values = evaluate(source)
except ExpressionError as error:
    values = error.values
    print(f"line {error.line}: {error}")

for name, value in values.items():
    print(f"{name} =", value)
    if hasattr(value, "stride"):
        facts = f"shape {tuple(value.shape)}, stride {value.stride()}, offset {value.storage_offset()}"
        print(f"  {facts}, storage at {value.untyped_storage().data_ptr():x}")
'''

GRAPH = '''
from core.autograd.graph import GraphError
from core.autograd.walkthrough import walk_through
from core.tensors import ExpressionError

source = """\\
$source
"""

try:
    walk = walk_through(source)  # runs the lines, and goes back from the last value through the graph behind it
except (ExpressionError, GraphError) as error:
    raise SystemExit(f"PyTorch refuses: {error}") from None

for node in walk.graph.nodes:
    print(f"{node.operation}: value {node.value}, gradient {node.gradient}")

print(f"from {walk.result} back to the leaves:")
for leaf in walk.leaves:
    node = walk.graph.nodes[leaf.node]
    print(f"{node.variable}.grad =", leaf.accumulated[0] if leaf.accumulated else None, f"({leaf.verdict})")
'''

RUNS = """
from core.autograd.tracing import capture_by_compile, capture_by_export, examples, run_each

example = examples()["$function"]
for label, graph in zip(example.labels, run_each(example), strict=True):
    print(f"{label}: {len(graph.nodes)} nodes")

for capture in (capture_by_export, capture_by_compile):
    captured = capture(example)
    print(f"{capture.__name__}: {len(captured.graphs)} graphs", captured.refusal or "")
"""

BUILD = """
from core.autograd.blocks import build, parse
from core.autograd.modules import WAYS, Batch, pass_through, update
from core.figures.modules import SOURCES

source = SOURCES["$source"]
built = build(parse($description), source.shape, seed=$seed)
print(built.network)

batch = Batch(*source.draw(), $seed)
passed = pass_through(built.network, batch)
print(f"loss of the batch: {passed.loss:.4f}")
print(f"{sum(weights.numel() for weights in built.network.parameters())} parameters")

step = update(built.network, batch, WAYS["$way"], lr=$lr)
for before, after in zip(step.before, step.by_step, strict=True):
    print(f"{tuple(after.shape)}: moved by {(after - before).norm():.6f}")
"""

DESCENT = """
from core.autograd.descent import RULES, Settings, descend
from core.figures.descent import steps_on, surface_called

surface = surface_called("$surface")
rates = $rates
for rule in RULES:
    settings = Settings(rates[rule], momentum=$momentum, weight_decay=$decay)
    path = descend(surface, rule, $start, steps_on("$surface"), settings)
    x, y = path.points[-1].tolist()
    end = f"overflows at step {path.overflow}" if path.overflow else f"ends at ({x:.3f}, {y:.3f})"
    print(f"{rule:9} {end}, loss {path.losses[-1]:.6g}")
"""

CLASSIFY = """
import torch

from core.autograd.classifier import Plan, train

plan = $plan
trained = train(plan, torch.zeros(1, 2))
for look in trained.looks[:: max(1, len(trained.looks) // 10)] + trained.looks[-1:]:
    (loss, held_out_loss), (accuracy, held_out_accuracy) = look.losses, look.accuracies
    print(f"step {look.step:3}: loss {loss:.4f}, accuracy {accuracy:.3f}", end="; ")
    print(f"held out: loss {held_out_loss:.4f}, accuracy {held_out_accuracy:.3f}")
if trained.overflow is not None:
    print(f"the loss is no finite number after step {trained.overflow}")
"""


def _quoted(source: str) -> str:
    r"""Return lines as they stand within triple quotes; ``\`` and quotes mean themselves."""
    return source.strip("\n").replace("\\", "\\\\").replace('"""', '\\"\\"\\"')


def tensors(source: str) -> Script:
    """Return the playground's lines, and what each tensor reads."""
    return written("tensors", "Tensors and the storage that they read.", TENSORS, source=_quoted(source))


def graph(source: str) -> Script:
    """Return the lines of the autograd page, with the graph behind the last value and its gradients."""
    return written("autograd", "The graph behind a value, and the way back.", GRAPH, source=_quoted(source))


def runs(function: str) -> Script:
    """Return the graph that each input of the ``function`` builds, and what is captured of it beforehand."""
    return written("define_by_run", "Running defines the graph; capturing fixes it.", RUNS, function=function)


def build(source: str, description: str, seed: int, lr: float, way: str) -> Script:
    """Return the network of ``description`` with one batch of ``source`` and one step of ``way``."""
    settings = {"source": source, "description": repr(description), "seed": seed, "lr": lr, "way": way}
    return written("modules", "A network of blocks, one batch and one step.", BUILD, **settings)


def descent(
    surface: str, start: tuple[float, float], rates: Mapping[str, float], momentum: float, decay: float
) -> Script:
    """Return every optimizer's walk down a ``surface`` from ``start``, each at its learning rate of ``rates``."""
    settings = {"surface": surface, "start": start, "rates": dict(rates), "momentum": momentum, "decay": decay}
    return written("descent", "Optimizers side by side on one surface.", DESCENT, **settings)


def classify(plan: Plan) -> Script:
    """Return the training of a small classifier by ``plan``."""
    return written("classifier", "A classifier of points in the plane.", CLASSIFY, plan=repr(plan))
