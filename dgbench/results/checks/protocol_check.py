"""Are the released protocols beside the records still what was released, and can each be read?"""

from __future__ import annotations

from pathlib import Path

from dgbench.core.errors import UsageError
from dgbench.results.checks.problem import Problem
from dgbench.results.records import released
from dgbench.results.records.rules import Rules


def protocol_problems(rules: Rules) -> list[Problem]:
    """Compare released files with their lock, and read every protocol."""
    root = rules.protocols_root
    try:
        changed = released.changed_files(root)
    except UsageError as error:
        return [Problem(f"{root.name}/{released.LOCK}", "schema", str(error))]
    problems = [
        Problem(f"{root.name}/{place}", "protocol", f"{how}; restore it and release a new version")
        for place, how in changed
    ]
    lock = released.read_lock(root)
    for name in released.released_versions(root):
        if lock is not None and name not in lock:
            place = f"{root.name}/{name.replace('@', '/v')}"
            problems.append(Problem(place, "protocol", f"{name} is not released; `dgbench protocols release` locks it"))
            continue
        try:
            rules.protocol(name)
        except UsageError as error:
            file = Path(str(error).partition(":")[0])
            place = file.relative_to(root.parent).as_posix() if file.is_relative_to(root.parent) else root.name
            problems.append(Problem(place, "protocol", str(error).removeprefix(f"{file}: ")))
    return problems
