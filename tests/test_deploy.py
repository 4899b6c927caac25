"""What ``deploy/`` takes from other files is there: the addresses in nginx.conf, the pair in requirements.txt."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_the_containers_names_replace_every_address_of_the_proxy() -> None:
    configuration = (ROOT / "deploy" / "nginx.conf").read_text("utf-8")
    compose = (ROOT / "deploy" / "compose.yaml").read_text("utf-8")
    for before, after in re.findall(r"-e 's/( [\d.:]+)/( [\w:]+)/'", compose):
        assert before in configuration
        configuration = configuration.replace(before, after)
    directives = "\n".join(line for line in configuration.splitlines() if not line.startswith("#"))
    assert "127.0.0.1" not in directives
    assert re.findall(r"^ +server (\S+) max_fails", directives, re.MULTILINE) == ["one:8501", "two:8501"]


def test_the_image_takes_the_pair_alone_from_pytorchs_index() -> None:
    [pattern] = re.findall(r"grep -Eo '(.+?)' requirements.txt", (ROOT / "Dockerfile").read_text("utf-8"))
    lines = (ROOT / "requirements.txt").read_text("utf-8").splitlines()
    pair = [found.group() for line in lines if (found := re.search(pattern, line))]
    assert [one.partition("==")[0] for one in pair] == ["torch", "torchvision"]
