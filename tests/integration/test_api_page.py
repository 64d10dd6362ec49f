"""The page's files: open to all, and its index for every address that only the page understands."""

from collections.abc import Callable, Iterator

import pytest

from tests.fixtures.api_rig import Rig, api_rig


@pytest.fixture(scope="module")
def rig(role_dsn: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    folder = tmp_path_factory.mktemp("api")
    page = folder / "dist"
    (page / "assets").mkdir(parents=True)
    (page / "index.html").write_text("<!doctype html><title>Andaman</title>")
    (page / "assets" / "main-abc123.js").write_text("'page'")
    (folder / "secret.txt").write_text("secret")
    with api_rig(role_dsn, folder, console_dir=page) as made:
        yield made


@pytest.mark.parametrize("path", ["/", "/index.html", "/devices/cam-402-07", "/violations?zone=kathu"])
def test_the_page_answers_where_only_it_knows_the_address(rig: Rig, path: str) -> None:
    answer = rig.client().get(path)
    assert answer.status_code == 200 and "Andaman" in answer.text
    assert answer.headers["cache-control"] == "no-cache"


def test_files_whose_names_carry_their_hash_are_kept_for_ever(rig: Rig) -> None:
    answer = rig.client().get("/assets/main-abc123.js")
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["content-type"].startswith("text/javascript")
    missing = rig.client().get("/assets/main-old.js")
    assert missing.status_code == 404 and "immutable" not in missing.headers["cache-control"]


@pytest.mark.parametrize("path", ["/api", "/api/v1/nothing", "/api/v2/cities", "/metrics/deep"])
def test_the_page_does_not_answer_for_the_api(rig: Rig, path: str) -> None:
    answer = rig.client().get(path)
    assert answer.status_code == 404 and answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "path", ["/../secret.txt", "/%2e%2e/secret.txt", "/assets/..%2f..%2fsecret.txt", "//etc/passwd"]
)
def test_nothing_outside_the_folder_is_served(rig: Rig, path: str) -> None:
    answer = rig.client().get(path)
    assert "secret" not in answer.text and "root:" not in answer.text
