"""Documents lead where they say, and no tracked file knows the machine that it was written on."""

import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

from app.cli import COMMANDS

PROJECT = Path(__file__).resolve().parents[2]
DECISIONS = PROJECT / "docs" / "decisions"
BINARY = {".mqtt", ".png", ".jpg", ".woff", ".woff2", ".parquet", ".ico", ".pdf", ".xlsx"}

_FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"!?\[[^\]]*\]\((?P<target>[^)\s]+)\)")
_QUOTED = re.compile(r"`([^`\n]+)`")
_COMMAND = re.compile(r"(?:`|bin/|\$\(|exec \w+ |andaman )andaman ([a-z][a-z-]*)")
# Written in pieces, so that this file is not one of those it looks for.
_HOSTS = [
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("python" + "hosted", "org"),
        ("registry", "npmjs", "org"),
        ("npmmirror", "com"),
        ("deb", "debian", "org"),
        ("security", "debian", "org"),
        ("ftp", "debian", "org"),
        ("snapshot", "debian", "org"),
        ("proxy", "golang", "org"),
        ("static", "crates", "io"),
        ("index", "crates", "io"),
    )
]
_HOST = re.compile("|".join(rf"(?<![\w.-])(?:[\w-]+\.)*{re.escape(host)}(?![\w-])" for host in _HOSTS))
_PLACE = re.compile(
    r"(?<![\w./~${}-])/(?:" + "|".join(("work", "home", "Users", "root", "workspace", "mnt/c")) + r")/[\w.-]"
)


@cache
def tracked() -> tuple[Path, ...]:
    """Every file that git knows of and that is there."""
    command = ["git", "-c", "safe.directory=*", "ls-files", "-z"]  # a clone that belongs to somebody else is one too
    listed = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True)
    paths = (PROJECT / name for name in listed.stdout.split("\0") if name)
    return tuple(path for path in paths if path.is_file())


def name(path: Path) -> str:
    return str(path.relative_to(PROJECT))


MARKDOWN = sorted({*(path for path in tracked() if path.suffix == ".md")})


def links(document: Path, within: bool = False) -> list[str]:
    """The relative links of a document; `within`: those to a place in itself, too."""
    found = _LINK.findall(_FENCED.sub("", document.read_text("utf-8")))
    return [target for target in found if not re.match(r"[a-z]+:" if within else r"[a-z]+:|#", target)]


def named_paths(document: Path) -> list[str]:
    """What a document names in code letters and is a path of the project: it has a folder or a known ending."""
    words = _QUOTED.findall(_FENCED.sub("", document.read_text("utf-8")))
    return [word for word in words if re.fullmatch(r"[\w.-]+(/[\w.-]+)*(/|\.(py|toml|md|sql|ts|svelte))(::\w+)?", word)]


def headings(document: Path) -> set[str]:
    """The anchors of a document's headings, as they are made of them where Markdown is shown."""
    lines = re.findall(r"^#+ (.*)$", _FENCED.sub("", document.read_text("utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", line.lower()).replace(" ", "-") for line in lines}


@pytest.mark.parametrize("document", MARKDOWN, ids=name)
def test_every_relative_link_leads_to_a_file(document: Path) -> None:
    lost = [target for target in links(document) if not (document.parent / target.partition("#")[0]).exists()]
    assert lost == []


@pytest.mark.parametrize("document", MARKDOWN, ids=name)
def test_every_link_to_a_heading_leads_to_one(document: Path) -> None:
    places = [target.partition("#") for target in links(document, within=True) if "#" in target]
    lost = [(path, place) for path, _, place in places if place not in headings(document.parent / (path or document))]
    assert lost == []


@pytest.mark.parametrize("document", MARKDOWN, ids=name)
def test_every_path_that_a_document_names_exists(document: Path) -> None:
    """One with a folder in it; of a file alone the text says where it lies. NAME stands for any, `var/` is made."""
    paths = [each.partition("::")[0] for each in named_paths(document) if "/" in each.rstrip("/")]
    named = [path for path in paths if "NAME" not in path and not path.startswith("var/")]
    assert [path for path in named if not (PROJECT / path).exists() and not (document.parent / path).exists()] == []


def test_every_command_that_a_document_names_is_one_of_ours() -> None:
    known = {command.name for command in COMMANDS}
    named = {(each, name(document)) for document in MARKDOWN for each in _COMMAND.findall(document.read_text("utf-8"))}
    assert sorted(where for where in named if where[0] not in known) == []
    assert len(named) > 30


def test_every_path_and_test_that_the_architecture_names_exists() -> None:
    named = named_paths(PROJECT / "ARCHITECTURE.md")
    assert len(named) > 50
    for each in named:
        path, _, test = each.partition("::")
        assert (PROJECT / path).exists(), each
        assert not test or re.search(rf"^def {test}\(", (PROJECT / path).read_text("utf-8"), re.MULTILINE), each


def test_every_folder_of_the_code_is_in_the_codemap() -> None:
    folders = {name(path).partition("/")[0] for path in tracked() if path.suffix in (".py", ".ts")} - {"docs"}
    named = {each.partition("/")[0] for each in named_paths(PROJECT / "ARCHITECTURE.md") if each.endswith("/")}
    assert folders - named == set()


def test_the_architecture_is_two_pages() -> None:
    assert len((PROJECT / "ARCHITECTURE.md").read_text("utf-8").splitlines()) <= 120


def test_every_decision_has_a_number_of_its_own_and_a_line_in_the_index() -> None:
    records = sorted(path.name for path in DECISIONS.glob("*.md") if path.name != "README.md")
    assert [each for each in records if not re.fullmatch(r"\d{4}-[a-z0-9-]+\.md", each)] == []
    numbers = [each[:4] for each in records]
    assert len(set(numbers)) == len(numbers)
    assert links(DECISIONS / "README.md") == records


def findings(pattern: re.Pattern[str]) -> list[str]:
    """Lines of tracked text files in which something is found."""
    found = []
    for path in tracked():
        if path.suffix not in BINARY:
            lines = path.read_text("utf-8").splitlines()
            found += [f"{name(path)}:{n}: {line[:120]}" for n, line in enumerate(lines, 1) if pattern.search(line)]
    return found


def test_no_tracked_file_names_the_host_of_a_package_registry() -> None:
    assert findings(_HOST) == []


def test_no_tracked_file_names_a_folder_of_somebodys_machine() -> None:
    assert findings(_PLACE) == []


@pytest.mark.parametrize("host", _HOSTS)
def test_a_host_is_noticed_wherever_it_stands(host: str) -> None:
    assert all(_HOST.search(text) for text in (host, f"https://{host}/x", f'"resolved": "https://{host}/a.tgz"'))
    assert not _HOST.search(host.replace(".", "-"))


def test_a_developers_folder_is_noticed_and_a_containers_is_not() -> None:
    for place in ("home", "Users", "work"):
        assert _PLACE.search(f'"/{place}/somebody/x"'), place
    assert not any(_PLACE.search(text) for text in ("/data/keys", "$HOME/homework", "/var/lib/x", "net/work/a"))


def test_the_licence_is_apache_2_in_full() -> None:
    text = (PROJECT / "LICENSE").read_text("utf-8")
    assert "Apache License\n" in text and "END OF TERMS AND CONDITIONS" in text
    assert text.count("\n") == 202
