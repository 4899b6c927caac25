# The app in an image for machines without a GPU, some 2 GB instead of 7:
#
#   docker build -t visible-vision .
#   docker run --rm -p 8501:8501 visible-vision
#
# Hugging Face Spaces and others that choose the port: set STREAMLIT_SERVER_PORT, to 7860 there.
FROM python:3.11-slim

# The index of PyTorch's wheels; another one of theirs, say .../whl/cu130, is for machines with a GPU.
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu

ENV PYTHONUNBUFFERED=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    STREAMLIT_SERVER_HEADLESS=true \
    STREAMLIT_SERVER_ADDRESS=0.0.0.0 \
    STREAMLIT_SERVER_PORT=8501

WORKDIR /app

# The pair alone comes from PyTorch's index, and what it needs with the others; their versions stand in one place.
COPY requirements.txt constraints.txt ./
RUN grep -Eo '^torch(vision)?==[^ ]+' requirements.txt > pair.txt \
    && pip install --no-deps --index-url "$TORCH_INDEX" -r pair.txt \
    && pip install -c constraints.txt -r requirements.txt \
    && rm pair.txt

# Who runs it may write into runs/, where trainings lie, and nowhere else. Spaces run images as the user 1000.
RUN useradd --create-home --uid 1000 viewer && install -d -o viewer -g viewer runs
COPY . .
RUN python -m compileall -q streamlit_app.py core pages ui
USER 1000

EXPOSE 8501 7860
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import os, urllib.request as web; web.urlopen(f'http://127.0.0.1:{os.environ[\"STREAMLIT_SERVER_PORT\"]}/_stcore/health', timeout=4)"]
CMD ["streamlit", "run", "streamlit_app.py"]
