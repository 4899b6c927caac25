"""The command line, on the same code as the pages: detect, segment, train, evaluate, check, bench."""

import os

# In the order in which the help names them.
# isort: off
from core.commands import images, training, evaluating, checking, bench

# isort: on
from core.commands.console import app
from core.i18n import language, of_environment

__all__ = ["app", "bench", "checking", "evaluating", "images", "training"]

app.info.help = __doc__

if __name__ == "__main__":
    language.set(of_environment(os.environ))
    app()
