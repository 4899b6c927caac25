"""What the define-by-run view draws: the graph of every run of a function, and what was captured of it beforehand."""

from core.autograd.tracing import Capture, Captured, Example, run_each
from core.figures.autograd import laid_out, picture_data
from core.figures.sent.autograd import CapturedGraphs, ExampleRuns, GraphPicture, PictureNode


def runs_data(example: Example) -> ExampleRuns:
    """Return, ready for JSON, the ``source`` of ``example`` and its ``runs``: for each input the ``label`` and the
    ``graph`` that it builds, as ``core.figures.autograd.picture_data`` returns it. ``different`` counts the graphs
    whose operations or edges differ."""
    graphs = run_each(example)
    built = {
        (tuple(node.name for node in drawn.nodes), tuple((edge.producer, edge.consumer) for edge in drawn.edges))
        for drawn in graphs
    }
    return {
        "name": example.name,
        "source": example.source,
        "first": example.first,
        "different": len(built),
        "runs": [
            {"label": label, "graph": picture_data(drawn)} for label, drawn in zip(example.labels, graphs, strict=True)
        ],
    }


def capture_data(capture: Capture) -> CapturedGraphs:
    """Return, ready for JSON, what was captured, its graphs with the places of ``core.figures.autograd.laid_out``."""
    return {
        "graphs": [_picture(nodes) for nodes in capture.graphs],
        "guards": list(capture.guards),
        "breaks": list(capture.breaks),
        "refusal": capture.refusal,
    }


def _picture(nodes: tuple[Captured, ...]) -> GraphPicture:
    number = {node.name: place for place, node in enumerate(nodes)}
    ends = [(number[taken], place, at) for place, node in enumerate(nodes) for at, taken in enumerate(node.takes)]
    laid = laid_out(len(nodes), ends)
    items: list[PictureNode] = [
        {
            "title": node.operation,
            "name": node.name,
            "kind": node.kind,
            "variable": "",
            "values": [None],
            "blamed": False,
            "across": across,
            "layer": layer,
        }
        for node, (across, layer) in zip(nodes, laid.places, strict=True)
    ]
    return {"nodes": items, "constants": [], "edges": laid.edges, "layers": laid.layers, "columns": laid.columns}
