"""What rules of access let a key use."""

from legato.core.config import DataUse
from legato.core.config_access import AccessRule, ToolTerms, Who
from legato.core.config_parts import Requirements
from legato.core.principal import Principal
from legato.routing.access import bound

KEY = Principal("k", "ci", "acme", "t", "f", tags={"group": "interns"})
NOTHING = DataUse()


def test_a_rule_means_whom_all_that_is_given_fits() -> None:
    for who in (
        Who(),
        Who(orgs=["acme"], teams=["t", "u"], features=["*"], keys=["c?"]),
        Who(tags={"group": "interns"}),
    ):
        assert bound([AccessRule(name="r", who=who)], KEY) is not None
    for who in (Who(orgs=["other"]), Who(orgs=["acme"], teams=["u"]), Who(tags={"group": "x"})):
        assert bound([AccessRule(name="r", who=who)], KEY) is None


def test_every_rule_holds_at_once() -> None:
    rules = bound(
        [
            AccessRule(name="one", models=["chat*"], deployments=["eu*"]),
            AccessRule(name="two", models=["chat-1"], require=Requirements(no_training=True)),
        ],
        KEY,
    )
    assert rules is not None
    assert rules.against_model("chat-1") == ""
    assert "'two'" in rules.against_model("chat-2")
    assert "'one'" in rules.against_model("other")
    assert rules.against_deployment("eu1", "", DataUse(training=False)) == ()
    assert rules.against_deployment("us1", "", NOTHING) == (
        "access rule 'one': eu* only",
        "access rule 'two': training unknown",
    )
    # a deployment of the registry may be another one under its name
    assert rules.against_deployment("eu1", "", NOTHING) == ("access rule 'two': training unknown",)
    assert not rules.has_tools


def test_the_first_rule_that_refuses_a_tool_says_what_becomes_of_it() -> None:
    allowed = ToolTerms(allow=["weather", "mcp:*"], deny=["mcp:shell"], refused="strip")
    rules = bound([AccessRule(name="few", tools=allowed)], KEY)
    assert rules is not None
    assert rules.has_tools
    assert rules.against_tool("weather") is None
    assert rules.against_tool("mcp:maps") is None
    for name in ("mcp:shell", "shell"):
        assert rules.against_tool(name) == ("few", True)


def test_other_rules_are_other_fingerprints() -> None:
    one = bound([AccessRule(name="r", models=["a"])], KEY)
    two = bound([AccessRule(name="r", models=["b"])], KEY)
    assert one is not None
    assert two is not None
    assert one.fingerprint != two.fingerprint
