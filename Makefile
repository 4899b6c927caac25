# For Linux and macOS. `make app` opens the app, `make test` runs everything; both set up .venv first, the app without
# what only tests need.

VENV := .venv
PYTHON := $(VENV)/bin/python
INSTALL := $(PYTHON) -m pip install --quiet --disable-pip-version-check -c constraints.txt
READY := $(VENV)/ready
READY_FOR_DEV := $(VENV)/ready-for-dev
READY_FOR_RAY := $(VENV)/ready-for-ray
READY_FOR_NODE := node_modules/.package-lock.json
SOURCES := streamlit_app.py core ui pages tests benchmarks

.PHONY: app test quick coverage lint test-js bundles words constraints browser bench clean

app: $(READY)
	$(PYTHON) -m streamlit run streamlit_app.py

test: $(READY_FOR_DEV) $(READY_FOR_RAY) browser
	$(PYTHON) -m pytest -n auto
	@if command -v node > /dev/null; then $(MAKE) --no-print-directory test-js; \
		else echo "There is no Node here: the tests of pure JavaScript functions (make test-js) were left out."; fi

# In two minutes or less: no browser, no training, nothing that takes long.
quick: $(READY_FOR_DEV)
	$(PYTHON) -m pytest -n auto -m quick

# Which lines of core, ui and pages no test reaches that needs no browser.
coverage: $(READY_FOR_DEV) $(READY_FOR_RAY)
	$(PYTHON) -m coverage run --source=core,ui,pages -m pytest --ignore=tests/browser
	$(PYTHON) -m coverage report

test-js:
	node --test tests/javascript/*.test.js

lint: $(READY_FOR_DEV) $(READY_FOR_NODE)
	$(PYTHON) -m ruff check $(SOURCES)
	$(PYTHON) -m ruff format --check $(SOURCES)
	$(PYTHON) -m mypy $(SOURCES)
	npx eslint .
	npx tsc
	npx tsc -p ui/kit/browser
	node bundle.js --check

# Joins the JavaScript of each component with what it imports: after a change in ui/**/*.js.
bundles: $(READY_FOR_NODE)
	node bundle.js

# Brings the catalogues of translations in locale/ up to date with the sentences in the code.
words: $(READY)
	$(PYTHON) -m core.messages

# Pins what the requirements bring along, for Linux, macOS and Windows at once; keeps the pins that still hold. By uv
# alone, since a changed requirement cannot be installed before its pin has changed as well.
constraints:
	python3 -m venv $(VENV)
	$(PYTHON) -m pip install --quiet --disable-pip-version-check uv==0.13.9
	$(PYTHON) -m uv pip compile --quiet --universal --python-version 3.11 --annotation-style line \
		--custom-compile-command "make constraints" -o constraints.txt requirements-dev.txt requirements-ray.txt

bench: $(READY)
	$(PYTHON) -m core bench

# The browser tests drive an installed Chromium or Chrome; where there is none, one is installed.
browser: $(READY_FOR_DEV)
	@$(PYTHON) -m tests.browser.chromium || (test "$$(id -u)" = 0 && apt-get update && apt-get install -y chromium) \
		|| $(PYTHON) -m playwright install chromium

$(READY): requirements.txt constraints.txt
	python3 -m venv $(VENV)
	$(INSTALL) -r requirements.txt
	touch $@

$(READY_FOR_DEV): $(READY) requirements-dev.txt
	$(INSTALL) -r requirements-dev.txt
	touch $@

$(READY_FOR_RAY): $(READY) requirements-ray.txt
	$(INSTALL) -r requirements-ray.txt
	touch $@

$(READY_FOR_NODE): package.json package-lock.json
	npm ci --no-audit --no-fund --loglevel=error
	touch $@

clean:
	rm -rf $(VENV) node_modules .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage
