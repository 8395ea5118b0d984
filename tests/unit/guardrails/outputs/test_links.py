"""Links are judged by the host a browser would ask."""

import pytest

from legato.guardrails.outputs.links import IMAGE, LINK, LinkFinder, host_of

ALLOWED = LinkFinder(["good.example", "*.ok.example"])


@pytest.mark.parametrize(
    "text",
    [
        "see https://good.example/x?y=1 and http://a.ok.example.",
        "![a](https://good.example/a.png)",
        "![a](/local.png) ![b](data:image/png;base64,AAAA)",
        "www.ok.example",
        "mail a@evil.example",
        "http is a protocol, https: too",
    ],
)
def test_nothing_is_found_where_hosts_are_allowed(text: str) -> None:
    assert list(ALLOWED.find(text)) == []


@pytest.mark.parametrize(
    ("text", "label", "found"),
    [
        ("go to http://evil.example/y now", LINK, "http://evil.example/y"),
        ("[c](https://evil.example/x)", LINK, "https://evil.example/x"),
        ("[c](//evil.example/x)", LINK, "//evil.example/x"),
        ("HTTPS://EVIL.example", LINK, "HTTPS://EVIL.example"),
        ("http:/evil.example", LINK, "http:/evil.example"),
        ("www.evil.example/x", LINK, "www.evil.example/x"),
        ("https://good.example@evil.example", LINK, "https://good.example@evil.example"),
        ("https://evil.example\\.good.example/", LINK, "https://evil.example\\.good.example/"),
        ("http://evil.example%2f.ok.example", LINK, "http://evil.example%2f.ok.example"),
        ("https://ok.example.evil.example", LINK, "https://ok.example.evil.example"),
        ("a ![x](https://evil.example/?d=1) b", IMAGE, "![x](https://evil.example/?d=1)"),
        ("<img alt=x src='//evil.example/x'>", IMAGE, "<img alt=x src='//evil.example/x'>"),
        ("[x]: http://evil.example/", IMAGE, "[x]: http://evil.example/"),
    ],
)
def test_other_hosts_are_found_whatever_the_trick(text: str, label: str, found: str) -> None:
    (hit,) = ALLOWED.find(text)
    assert (hit.label, text[hit.start : hit.end]) == (label, found)


def test_links_without_images_can_be_left_alone() -> None:
    finder = LinkFinder([], images_only=True)
    assert list(finder.find("https://evil.example [a](http://evil.example)")) == []
    assert len(finder.find("![a](http://evil.example) ![b][c]\n[c]: //evil.example")) == 2


def test_an_address_without_a_host_has_none() -> None:
    assert host_of("/a.png") is None
    assert host_of("data:image/png,x") is None
    assert host_of("https://User:pw@Host.example:8080/a") == "host.example"


def test_much_that_looks_like_links_takes_no_long_time() -> None:
    assert list(LinkFinder([]).find("![" * 200_000)) == []
    assert LinkFinder([]).open_from("![" * 200_000) > 0
