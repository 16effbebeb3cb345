"""A changed file is applied where that is safe, and says so where it is not."""

from __future__ import annotations

import asyncio
from pathlib import Path

from proxy.config import Config, parse
from proxy.reload import follow, merged

TEXT = "backends: {a: {url: 'http://h:1'}, b: {url: 'http://h:2'}}\nactive: a\n"
RULE = "compare: {rules: [{name: r, kind: ignore, reason: because}]}\n"


def test_what_may_change_changes_and_what_may_not_is_named() -> None:
    running = parse(TEXT, {})
    wanted = parse(TEXT.replace("h:2", "h:3") + RULE + "log: {level: error}\n", {})
    after, needs_restart = merged(running, wanted)
    assert [rule.name for rule in after.compare.rules] == ["r"]
    assert after.backends == running.backends
    assert after.log == running.log
    assert sorted(needs_restart) == ["backends", "log"]


async def test_a_wrong_file_changes_nothing_and_the_next_right_one_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(TEXT)
    taken: asyncio.Queue[Config] = asyncio.Queue()
    stop = asyncio.Event()
    task = asyncio.create_task(follow(path, parse(TEXT, {}), taken.put_nowait, stop))
    try:
        await asyncio.sleep(0)
        path.write_text(TEXT + "nonsense: 1\n")
        await asyncio.sleep(1.2)  # two looks at the file, so that the wrong text has been seen
        assert taken.empty()
        path.write_text(TEXT + RULE)
        async with asyncio.timeout(10):
            assert [rule.name for rule in (await taken.get()).compare.rules] == ["r"]
    finally:
        stop.set()
        await task
