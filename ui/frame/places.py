"""Where the app's files lie. Streamlit would look beside the file that it was started with, which may be another entry,
such as the one in ``deploy/cloud``.
"""

from pathlib import Path

ROOT = Path(__file__).parents[2]
ENTRANCE = ROOT / "streamlit_app.py"
PAGES = ROOT / "pages"
