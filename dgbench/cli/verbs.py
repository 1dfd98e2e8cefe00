"""Which function answers which verb. A verb's module is imported only when that verb is called."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from dgbench.core.errors import WorkFailedError

#: ``-h`` is ``--help``, everywhere.
HELP = {"help_option_names": ["-h", "--help"]}
#: Verb (or "group verb") → ("module:function", one line for --help).
VERBS: dict[str, tuple[str, str]] = {
    "quickstart": ("quickstart:quickstart", "Run the whole suite on SynthFace, offline, and make a report."),
    "protocols list": ("protocols.lists:list_", "List the released protocols."),
    "protocols show": ("protocols.lists:show", "Show one protocol: rule, counts, frame, metrics, digest."),
    "protocols verify": ("protocols.lists:verify", "Tell what of a protocol a copy of the data covers."),
    "protocols check": ("protocols.check:check", "Check protocols: locked, names known, targets that are inputs."),
    "protocols export": ("protocols.export:export", "Write a protocol's input images and pair list as plain files."),
    "protocols release": ("protocols.release:release", "Release a protocol: counts, digests, pair list, lock."),
    "data index": ("data.index:index", "Read a copy of a data set and write its manifest."),
    "data prepare": ("data.index:prepare", "Detect, crop and store a protocol's images and landmarks."),
    "data synth": ("data.synth:synth", "Render a SynthFace tree in a data set's own layout."),
    "data fetch-head": ("data.fetch_head:fetch_head", "Download the morphable head that SynthFace renders."),
    "data sheets": ("data.sheets:sheets", "Render contact sheets of SynthFace, to look at."),
    "train dg": ("train:dg", "Train the Dual-Generator on a protocol's training people."),
    "train baseline": ("train_baseline:baseline", "Train a third-party method by its authors' own script."),
    "run": ("run:run", "Run a method over a protocol's pairs."),
    "score": ("score:score", "Score a run, or any folder of images named by pair id."),
    "score-clips": ("clips:score_clips", "Score videos over time: landmark jitter, FVD."),
    "compute": ("compute:compute", "Compute metrics on two folders of images matched by name."),
    "suite": ("suite:suite", "Run and score many methods on many protocols from one file."),
    "leaderboard build": ("leaderboard:build", "Build the leaderboard tables from records."),
    "leaderboard check": ("leaderboard:check", "Check records and rebuild every table byte for byte."),
    "leaderboard changes": ("leaderboard:changes", "List the rows that a branch changes."),
    "leaderboard verify": ("leaderboard:verify", "Measure a record again from its images; write a statement."),
    "compare": ("compare:compare", "Compare two scored runs on the same pairs."),
    "table": ("table:table", "Make a table for a paper: LaTeX, Markdown or CSV."),
    "report": ("report:report", "Write a static site of tables, plots and image grids."),
    "methods list": ("methods:list_", "List methods, what is runnable here and what is missing."),
    "methods check": ("methods:check", "Hold a method against the contract."),
    "metrics list": ("metrics:list_", "List metrics, or show the whole cards of some."),
    "metrics calibrate": ("calibrate:calibrate", "Measure how metrics answer to known changes of a face."),
    "metrics lock": ("metrics:lock", "Write today's metric cards into the lock that records are held against."),
    "weights list": ("weights:list_", "List known network weights and which are here."),
    "weights fetch": ("weights:fetch", "Download network weights, checked by digest."),
    "weights import-official": ("weights_import:import_official", "Convert the DG authors' checkpoints."),
    "audit": ("audit:audit", "Recompute sampled scores of a run, or check a table of published numbers."),
    "doctor": ("doctor:doctor", "Say what is there and what is missing."),
}

_GROUPS = {
    "protocols": "Protocols: list, show, verify, export, release, check.",
    "data": "Data sets: index, prepare, render.",
    "train": "Train the Dual-Generator, or a third-party method.",
    "leaderboard": "Leaderboards: build, check, changes, verify.",
    "methods": "Methods: list, check.",
    "metrics": "Metrics: list, calibrate, the lock of their cards.",
    "weights": "Network weights: list, fetch, import.",
}


def _function(target: str) -> Callable[..., Any]:
    module, _, name = target.partition(":")
    found: Callable[..., Any] = getattr(importlib.import_module(f"dgbench.cli.{module}"), name)
    return found


class _LazyGroup(TyperGroup):
    """A group whose commands are listed from :data:`VERBS` and built only when called: `--help` stays fast."""

    prefix = ""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names under this group, in the order of the table."""
        return list(dict.fromkeys(name.split()[len(self.prefix.split())] for name in VERBS if self._owns(name)))

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return one command, imported now, or a group."""
        full = f"{self.prefix} {cmd_name}".strip()
        if full in VERBS:
            return _command(full)
        if not self.prefix and cmd_name in _GROUPS:
            return _group(cmd_name)
        return None

    def invoke(self, ctx: Any) -> Any:
        """Run a verb; Ctrl-C becomes an error like others, where Typer would end without a word."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as error:
            raise WorkFailedError(
                "interrupted; what was finished is kept, and the same command goes on from there (train: with --resume)"
            ) from error

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """List the commands with their one line, importing none."""
        rows = []
        for name in self.list_commands(ctx):
            full = f"{self.prefix} {name}".strip()
            rows.append((name, VERBS[full][1] if full in VERBS else _GROUPS[name]))
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def _owns(self, name: str) -> bool:
        return not self.prefix or name.startswith(self.prefix + " ")


def _command(full: str) -> TyperCommand | TyperGroup:
    from dgbench.cli.signature import name_values, with_plugins

    target, line = VERBS[full]
    function = with_plugins(_function(target), full)
    single = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    single.command(name=full.split()[-1], help=None, context_settings=HELP)(function)
    built: Any = typer.main.get_command(single)
    name_values(built, function)
    built.short_help = line
    return built


def _group(name: str) -> TyperCommand | TyperGroup:
    class Group(_LazyGroup):
        prefix = name

    return Group(name=name, help=_GROUPS[name], no_args_is_help=True, rich_markup_mode=None, context_settings=HELP)


def register(app: typer.Typer) -> None:
    """Make the app's root group list and build its verbs lazily."""
    app.info.cls = _LazyGroup

    @app.callback(invoke_without_command=True)
    def root(
        context: typer.Context,
        version: bool = typer.Option(False, "--version", help="Print the version and exit.", is_eager=True),
    ) -> None:
        if version:
            import dgbench

            print(f"dgbench {dgbench.__version__}")
            raise typer.Exit
        if context.invoked_subcommand is None:
            print(context.get_help())
            raise typer.Exit(2)
