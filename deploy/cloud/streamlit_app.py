"""The app for Streamlit Community Cloud, which installs the requirements that stand beside the entry."""

import runpy
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
if str(ROOT) not in sys.path:  # where Streamlit has put this file's folder only
    sys.path.insert(0, str(ROOT))
runpy.run_path(str(ROOT / "streamlit_app.py"))
