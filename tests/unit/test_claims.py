"""The list of claims is one that `make prove` can carry out."""

import re

import pytest

from tests.prove import CLAIMS, PROJECT, Claim, claims


@pytest.mark.parametrize("claim", claims().values(), ids=lambda claim: claim.name)
def test_a_claim_names_files_that_exist(claim: Claim) -> None:
    words = claim.command.split()
    files = [word for word in words if word.startswith("tests/")]
    modules = [word.replace(".", "/") + ".py" for word in words if word.startswith(("bench.", "tests."))]
    assert files or modules or claim.command.startswith(("make ", "andaman "))
    for file in (*files, *modules):
        assert (PROJECT / file).exists(), file


def test_every_row_of_the_table_is_read_as_a_claim() -> None:
    rows = re.findall(r"^\| `", CLAIMS.read_text("utf-8"), re.MULTILINE)
    assert len(rows) == len(claims()) > 10
