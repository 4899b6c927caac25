"""Everything that computes: images, boxes, detectors, training and evaluation. Never imports streamlit."""
