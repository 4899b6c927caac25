"""What the app of this folder shows of its sixth detector and its eleventh way of upsampling, as JSON."""

import json
import sys
from pathlib import Path

from streamlit.testing.v1 import AppTest

from core.data import ShapeScenes
from core.detectors import NAMES
from core.detectors.race import CurvePoint, Finished, entered, race
from core.figures.race import curve_chart
from core.figures.upsampling import board_chart, scene_data
from core.models import MODELS, stage_colour
from core.segmentation.enlarging import in_whole_cells
from core.segmentation.study import load_study

image, truth = ShapeScenes("validation", 1)[0]
through = [event for event in race(image, ["cell_votes"], 10) if isinstance(event, Finished)]
titles = {name: MODELS[name].title for name in MODELS}
curve = curve_chart([CurvePoint(name, 100, 0.1) for name in NAMES], titles)
study = load_study()
ways = scene_data(study, in_whole_cells(image), truth, None, trained=True)["ways"]


def page(name: str, **address: str) -> AppTest:
    app = AppTest.from_file(str(Path("streamlit_app.py").resolve()), default_timeout=120)
    for key, value in address.items():
        app.query_params[key] = value
    app.switch_page(f"pages/{name}.py")
    return app.run()


seen = {
    "in every race": entered(NAMES),
    "its stages in a race": [[step.name, stage_colour(step.name)] for one in through for step in one.trace.steps],
    "the chart": [line.name for line in curve.data],
    "the comparison page": list(page("detectors").pills(key="detectors").options),
    "the training page": list(page("training").selectbox(key="train_model").options),
    "the segmenters' upsampling": [way["name"] for way in ways],
    "the checkerboard's chart": list(board_chart(study, in_whole_cells(image), titles).data[0].y),
}
json.dump(seen, sys.stdout)
