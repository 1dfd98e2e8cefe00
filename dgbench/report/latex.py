"""Tables for papers: LaTeX with booktabs, the same rows and rules as the pages."""

from __future__ import annotations

from dgbench.core.text import for_latex
from dgbench.report.views import Column, SectionView
from dgbench.results.boards.board import Row
from dgbench.results.tables import formats


def section_table(view: SectionView, *, protocol: str) -> str:
    """One section as a ``table``: ranked rows first, then the unranked below a rule with their reason as a note."""
    columns = view.columns
    arrows = {"higher": r"$\uparrow$", "lower": r"$\downarrow$"}
    header = ["Rank", "Method", *(f"{for_latex(c.name)} {arrows[c.card.direction]}" for c in columns), "Failed"]
    lines = [
        "% needs \\usepackage{booktabs}",
        r"\begin{table}",
        r"  \centering",
        f"  \\caption{{{_caption(view, protocol)}}}",
        f"  \\label{{tab:{view.slug}}}",
        f"  \\begin{{tabular}}{{ll{'r' * (len(columns) + 1)}}}",
        r"    \toprule",
        f"    {' & '.join(header)} \\\\",
        r"    \midrule",
    ]
    ruled = not view.ranked
    for row in view.section.rows:
        if row.reason and not ruled:
            lines.append(r"    \midrule")
            ruled = True
        primary = row.metric(view.section.primary)
        failed = str(primary.n_expected - primary.n_scored) if primary else "--"
        place = formats.rank(row.rank).replace("–", "--") or "--"
        cells = [_cell(view, row, column) for column in columns]
        name = for_latex(row.text) + (f" ({for_latex(row.reason)})" if row.reason else "")
        lines.append(f"    {' & '.join([place, name, *cells, failed])} \\\\")
    return "\n".join([*lines, r"    \bottomrule", r"  \end{tabular}", r"\end{table}", ""])


def _cell(view: SectionView, row: Row, column: Column) -> str:
    metric = row.metric(column.name)
    if metric is None or metric.value is None:
        return "--"
    text = formats.number(metric.value, decimals=column.decimals) + (r"$^\dagger$" if row.mark(column.name) else "")
    spread = row.spread(column.name)
    if spread is not None:
        text += f" $\\pm$ {formats.number(spread, decimals=column.decimals)}"
    if metric.interval is None or column.name != view.section.primary:
        return text
    ends = (formats.number(end, decimals=column.decimals) for end in (metric.interval.low, metric.interval.high))
    return f"{text} {{\\scriptsize [{', '.join(ends)}]}}"


def _caption(view: SectionView, protocol: str) -> str:
    judges = view.section.judges or "no"
    primary = for_latex(view.section.primary)
    return (
        f"{for_latex(protocol)}, {judges} judges. Ranks are ranges over identities; values count every pair, failures "
        f"at the metric's floor; brackets are 95\\,\\% intervals of {primary}, the deciding metric. A dagger: over "
        "fewer than 5,000 images, which biases the value upwards."
    )
