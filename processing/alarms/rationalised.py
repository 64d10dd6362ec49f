"""The rationalised list of alarms (ISA-18.2): each kind that can be raised has its entry, complete, in both languages.

Priority follows from the worst that follows if nobody acts and from the time there is to respond. The standard asks for
such a matrix and leaves its cells to the site; these are ours.
"""

from typing import Final

from contracts.city import City
from contracts.errors import ConfigError
from contracts.findings import Priority
from contracts.responses import Response
from processing.rulebook import FORMS, RULE_ID
from processing.state import NOTICE_KINDS

SOON_S: Final = 600
"""Up to ten minutes to respond: at once."""
TODAY_S: Final = 3600
"""Up to an hour; beyond it, in the course of the shift."""

MATRIX: Final = {
    ("minor", "later"): "low",
    ("minor", "soon"): "low",
    ("minor", "now"): "medium",
    ("major", "later"): "low",
    ("major", "soon"): "medium",
    ("major", "now"): "high",
    ("severe", "later"): "medium",
    ("severe", "soon"): "high",
    ("severe", "now"): "critical",
}
"""Priority by severity and by how soon somebody must respond."""

TEXTS: Final = (
    "name_en", "name_th", "cause_en", "cause_th", "consequence_en", "consequence_th", "action_en", "action_th", "call",
)  # fmt: skip
"""What an entry must say: an operator reads it in either language."""


def kinds_raised(city: City) -> dict[str, str]:
    """The alarm kinds that can be raised in this city, and what raises each: its enabled rules, and our own house."""
    kinds = dict.fromkeys(NOTICE_KINDS, "the pipeline itself")
    for rule in city.rules:
        if rule.enabled and rule.kind in FORMS:
            for kind in FORMS[rule.kind].alarms:
                kinds[rule.id if kind == RULE_ID else kind] = f"rule {rule.id}"
    return kinds


def priority_of(response: Response) -> str:
    """The priority that follows from severity and time to respond."""
    urgency = (
        "now" if response.respond_within_s <= SOON_S else "soon" if response.respond_within_s <= TODAY_S else "later"
    )
    return MATRIX[response.severity, urgency]


def check_responses(city: City) -> None:
    """Check the city's rationalised list.

    Raises:
        ConfigError: names the kind that has no entry, what an entry leaves out, or the priority that does not follow.
    """
    entries = {response.kind: response for response in city.responses}
    for kind, source in sorted(kinds_raised(city).items()):
        if kind not in entries:
            problem = f"{source} can raise it, and there is no rationalised entry; add one to `responses`"
            raise ConfigError("responses.kind", kind, problem, city.id)
    for response in city.responses:
        for name in TEXTS:
            if not getattr(response, name).strip():
                raise ConfigError(
                    f"responses.{response.kind}.{name}", "", "an entry says it in both languages", city.id
                )
        if response.respond_within_s <= 0:
            problem = "an alarm asks for a response in good time; what needs none is no alarm"
            raise ConfigError(
                f"responses.{response.kind}.respond_within_s", response.respond_within_s, problem, city.id
            )
        for higher in response.hidden_by:
            if Priority[entries[higher].priority.upper()] <= Priority[response.priority.upper()]:
                problem = f"{response.kind} would be hidden by it; only an alarm of higher priority hides another"
                raise ConfigError(f"responses.{response.kind}.hidden_by", higher, problem, city.id)
        if response.severity != "unstated" and response.priority != priority_of(response):
            problem = (
                f"with severity {response.severity} and {response.respond_within_s} s it is {priority_of(response)}"
            )
            raise ConfigError(f"responses.{response.kind}.priority", response.priority, problem, city.id)
