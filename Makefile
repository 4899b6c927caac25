# `make app` opens the app, `make test` runs everything; both set up .venv first.

VENV := .venv
PYTHON := $(VENV)/bin/python
READY := $(VENV)/ready
NODE_READY := node_modules/.package-lock.json
SOURCES := streamlit_app.py core ui pages tests benchmarks

.PHONY: app test lint test-js bundles words browser bench clean

app: $(READY)
	$(PYTHON) -m streamlit run streamlit_app.py

test: $(READY) $(VENV)/ready-for-ray browser
	$(PYTHON) -m pytest
	@if command -v node > /dev/null; then $(MAKE) --no-print-directory test-js; \
		else echo "There is no Node here: the tests of pure JavaScript functions (make test-js) were left out."; fi

test-js:
	node --test tests/javascript/*.test.js

lint: $(READY) $(NODE_READY)
	$(PYTHON) -m ruff check $(SOURCES)
	$(PYTHON) -m ruff format --check $(SOURCES)
	$(PYTHON) -m mypy $(SOURCES)
	npx eslint .
	npx tsc
	node bundle.js --check

# Joins the JavaScript of each component with what it imports: after a change in ui/**/*.js.
bundles: $(NODE_READY)
	node bundle.js

# Brings the catalogues of translations in locale/ up to date with the sentences in the code.
words: $(READY)
	$(PYTHON) -m core.messages

bench: $(READY)
	$(PYTHON) -m core bench

# The browser tests drive an installed Chromium or Chrome; where there is none, one is installed.
browser: $(READY)
	@$(PYTHON) -m tests.browser.chromium || (test "$$(id -u)" = 0 && apt-get update && apt-get install -y chromium) \
		|| $(PYTHON) -m playwright install chromium

$(READY): requirements.txt
	python3 -m venv $(VENV)
	$(PYTHON) -m pip install --quiet --disable-pip-version-check -r requirements.txt
	touch $@

$(NODE_READY): package.json package-lock.json
	npm ci --no-audit --no-fund --loglevel=error
	touch $@

$(VENV)/ready-for-ray: $(READY) requirements-ray.txt
	$(PYTHON) -m pip install --quiet --disable-pip-version-check -r requirements-ray.txt
	touch $@

clean:
	rm -rf $(VENV) node_modules .pytest_cache .mypy_cache .ruff_cache .hypothesis
