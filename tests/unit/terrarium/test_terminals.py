"""Any terminal and any hive: few colours or none, text that means harm, and more rows than anybody can read."""

from __future__ import annotations

import unicodedata
from typing import Any

import pytest
from rich.cells import cell_len
from rich.color import ColorType

from kgents.api import times
from kgents.terrarium.draw import length
from kgents.terrarium.keeping import Kept
from kgents.terrarium.widgets.agents import Agents
from kgents.terrarium.widgets.heatmap import Heatmap
from tests.support import example_hive
from tests.support.example_hive import NAMESPACE, NOW, Object, Objects
from tests.support.showing import Showing, app, lines, log, main, segments, showing, text, until, write
from tests.support.terrarium import MANY, FixedWorld

HOSTILE = {
    "markup": "[red]x[/red] [@click=app.quit]y[/] [/]",
    "colours": "\x1b[31mred\x1b[0m \x1b]0;title\x07 \x9b5m",
    "cursor": "up\x1b[2A\rback\x08\x08\ttab\x0b\x0c",
    "lines": "one\ntwo\r\nthree\u2028four\u2029five\x85six",
    "right to left": "\u202etxet\u202c \u2066x\u2069 שלום \u061c",
    "wide": "漢字かな交じり文👩‍👩‍👧‍👦🇩🇪 e\u0301\u0301\u0301 \ufeff\u200b\u200d",
    "huge": "x" * 10_000,
    "wide and huge": "漢" * 5_000,
    "unseen": "\x00 \x7f \ue000 \ufffe \xad",
    "empty": "",
}
SCREENS = ("field", "grid", "time")


def hive(words: str) -> Objects:
    """Objects in which everything that somebody can write is `words`; names too, as no API server would allow."""
    made: list[Object] = []
    for one in example_hive.objects().values():
        spec: dict[str, Any] = one["spec"]
        for name in ("image", "payload", "reason", "proposer", "source", "target"):
            if isinstance(spec.get(name), str):
                spec[name] = words
        status = one.setdefault("status", {})
        for condition in status.get("conditions", ()):
            condition |= {"reason": words, "message": words}
        if one["kind"] == "Agent":
            status |= {"phase": words} if one["metadata"]["name"] == "x-gent" else {}
        if one["kind"] in ("Agent", "Pheromone", "Proposal") and one["metadata"]["name"] != "b-gent":
            one["metadata"]["name"] = f"{words}{one['metadata']['name']}"
        made.append(one)
    return example_hive.by_key(made)


def assert_tame(pilot: Showing, size: tuple[int, int]) -> None:
    """Every line is as wide as the terminal, and nothing in it is more than text."""
    for line in segments(pilot):
        shown = "".join(segment.text for segment in line)
        assert length(line) == size[0] == cell_len(shown)
        assert all(segment.control is None for segment in line)
        wild = [
            sign for sign in shown if unicodedata.category(sign) in ("Cc", "Zl", "Zp", "Cs") or sign in "\u202e\u2066"
        ]
        assert not wild, f"{wild} in {shown!r}"
    assert len(segments(pilot)) == size[1]


@pytest.mark.parametrize("case", HOSTILE)
async def test_text_of_the_hive_is_only_text(case: str) -> None:
    words = HOSTILE[case]
    world = FixedWorld(objects=hive(words))
    size = (60, 18)
    async with showing(world, size=size) as pilot:
        log(world, words, words)
        world.frozen = {"by": words, "reason": words}
        await until(pilot, lambda: "FROZEN" in lines(pilot)[1])
        await until(pilot, lambda: any(one.about[1] == words for one in app(pilot).hive.thoughts))
        assert_tame(pilot, size)
        for mode in SCREENS:
            await pilot.press("2", "m", "z", "right", "down")
            await until(pilot, lambda: main(pilot).query_one(Heatmap).size.height > 5)
            assert_tame(pilot, size)
            await pilot.press("z")
            assert mode
        for pane in "134":
            await pilot.press(pane, "z", "end")
            await pilot.pause()
            assert_tame(pilot, size)
            await pilot.press("c", "z", "home")
            assert_tame(pilot, size)
        await pilot.resize_terminal(200, 60)
        await until(pilot, lambda: len(lines(pilot)) == 60)
        assert_tame(pilot, (200, 60))


@pytest.mark.parametrize("case", [case for case in HOSTILE if case not in ("huge", "wide and huge")])
async def test_what_is_told_about_hostile_names_is_only_text(case: str) -> None:
    """Palette, pickers, jump and notifications."""
    words = HOSTILE[case]
    size = (80, 24)
    async with showing(FixedWorld(objects=hive(words), context=words or "x"), size=size) as pilot:
        await pilot.press("ctrl+p")
        await until(pilot, lambda: len(pilot.app.screen_stack) > 2)
        await pilot.press(*"x-gent")
        await until(pilot, lambda: "agent, " in text(pilot))
        assert_tame(pilot, size)
        await pilot.press("escape", "H")
        await until(pilot, lambda: "kgents-lab" in text(pilot))
        assert_tame(pilot, size)
        await pilot.press("escape", "colon", *"zzz", "enter")
        await until(pilot, lambda: "Nothing here is called" in text(pilot))
        assert_tame(pilot, size)


# colours


async def test_without_colours_there_are_none_and_everything_is_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with showing(size=(120, 40)) as pilot:
        for keys in ((), ("2",), ("m",), ("m",), ("3",), ("question_mark",), ("escape", "slash"), ("escape", "F")):
            await pilot.press(*keys)
            await pilot.pause()
            for line in segments(pilot):
                for segment in line:
                    for colour in (segment.style.color, segment.style.bgcolor) if segment.style else ():
                        assert colour is None or colour.type is ColorType.DEFAULT, segment
        await pilot.press("escape", "1")
        rows = {name: next(line for line in lines(pilot) if name in line) for name in ("b-gent", "x-gent", "m-gent")}
        assert len({row.strip("│ ▶")[0] for row in rows.values()}) == 3, "phases differ by their glyphs"
        chosen = next(line for line in segments(pilot) if "b-gent" in "".join(part.text for part in line))
        assert any(part.style and part.style.reverse for part in chosen)


@pytest.mark.parametrize(
    "theme", ["terrarium-dark", "terrarium-light", "ansi-dark", "ansi-light", "nord", "textual-light"]
)
async def test_every_theme_can_be_read(theme: str) -> None:
    """Text differs from its ground everywhere, but for the heatmap's blocks."""
    async with showing(size=(120, 40), kept=Kept(theme=theme)) as pilot:
        assert pilot.app.theme == theme
        for y, line in enumerate(segments(pilot)):
            for part in line:
                style = part.style
                if style and part.text.strip(" ▀·") and style.color and not style.color.is_default:
                    assert style.color != style.bgcolor, (y, part)


@pytest.mark.parametrize("key", ["t", "ctrl+p"])
async def test_without_colours_the_choice_of_a_list_is_underlined(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with showing() as pilot:
        await pilot.press(key)
        await until(pilot, lambda: len(pilot.app.screen_stack) > 2)
        chosen = "terrarium-light" if key == "t" else "theme nord"
        await write(pilot, chosen)

        def is_underlined() -> bool:
            shown = [part for line in segments(pilot)[4:] for part in line if chosen[-4:] in part.text]
            return any(part.style and part.style.underline for part in shown)

        await until(pilot, is_underlined)


async def test_every_theme_there_is_can_be_chosen() -> None:
    async with showing(size=(80, 24)) as pilot:
        for theme in sorted(pilot.app.available_themes):
            pilot.app.theme = theme
            await pilot.pause()
            assert "b-gent" in text(pilot)


# many


async def test_ten_thousand_agents_and_only_those_that_are_seen_are_drawn() -> None:
    world = FixedWorld("many")
    drawn = 0

    async with showing(world, size=(120, 40)) as pilot:
        agents = main(pilot).query_one(Agents)
        await until(pilot, lambda: len(agents.keys()) == MANY)
        assert "10 000 agents" in lines(pilot)[0]
        assert "1 of 10000" in text(pilot).replace(" 000", "000")
        draw = agents.draw

        def counted(*args: Any, **more: Any) -> Any:
            nonlocal drawn
            drawn += 1
            return draw(*args, **more)

        agents.draw = counted  # type: ignore[method-assign]
        await pilot.press("end")
        last = agents.keys()[-1]
        assert (agents.key, agents.cursor) == (last, MANY - 1)
        assert last[1] in text(pilot)
        await pilot.press("pageup", "up", "home", "down")
        assert agents.cursor == 1
        assert drawn <= 12 * agents.room
        await pilot.press("slash", *"agent-09999")
        await until(pilot, lambda: len(agents.keys()) == 1)
        await pilot.press("escape")
        await until(pilot, lambda: len(agents.keys()) == MANY)
        await pilot.press("s")
        assert agents.keys()[0][1] == "agent-00000"


async def test_thousands_of_lines_are_heard_and_the_oldest_forgotten() -> None:
    world = FixedWorld()
    async with showing(world) as pilot:
        for nth in range(7_000):
            log(world, "b-gent", f"line {nth}")
        await until(pilot, lambda: "line 6999" in text(pilot))
        assert len(app(pilot).hive.thoughts) <= 5_000
        await pilot.press("4", "home")
        assert "line 0" not in text(pilot)


async def test_an_object_of_another_version_is_shown_as_far_as_it_can() -> None:
    odd = {
        "apiVersion": "kgents.io/v1",
        "kind": "Agent",
        "metadata": {"name": "odd", "namespace": NAMESPACE, "creationTimestamp": times.to_text(NOW + 3600)},
        "spec": {"genus": "Z", "image": ""},
        "status": {"phase": "Dreaming", "cognitiveHealth": "Transcendent", "restarts": 99999, "replicas": 1},
    }
    async with showing(FixedWorld(objects=example_hive.by_key([odd])), size=(60, 18)) as pilot:
        await until(pilot, lambda: "odd" in text(pilot))
        assert "Dreaming" in text(pilot)
        assert_tame(pilot, (60, 18))
