"""mm-inspect's view as one page that needs no other file."""

from __future__ import annotations

import html

from t2t_mm.reports import histogram, inspection

_CLASSES_SHOWN = 40

_STYLE = """
:root { --ground: #f7f7f5; --card: #fff; --ink: #1d2129; --quiet: #667085; --line: #e3e5e8;
  --accent: #3f6fd8; }
@media (prefers-color-scheme: dark) {
  :root { --ground: #14161a; --card: #1d2026; --ink: #e7e9ee; --quiet: #98a1b0; --line: #30343c;
    --accent: #7ea2f5; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1180px; padding: 32px 20px 64px; background: var(--ground);
  color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 26px; margin: 0; } h2 { font-size: 18px; margin: 36px 0 12px; }
h3 { font-size: 14px; margin: 0 0 2px; }
.quiet { color: var(--quiet); font-size: 13px; margin: 0; }
.grid { display: grid; gap: 14px; grid-template-columns: repeat(auto-fill, minmax(340px, 1fr)); }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 10px;
  padding: 14px 16px; min-width: 0; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: 4px 18px 4px 0; border-bottom: 1px solid var(--line); }
th { color: var(--quiet); font-weight: 500; } td.number { text-align: right; }
svg { width: 100%; height: auto; display: block; margin-top: 8px; }
svg text { fill: var(--quiet); font: 11px system-ui, sans-serif; }
.bar { fill: var(--accent); } .axis { stroke: var(--line); }
dl { margin: 0; } dt { color: var(--quiet); font-size: 12px; margin-top: 8px; }
dd { margin: 2px 0 0; white-space: pre-wrap; overflow-wrap: anywhere; }
img { max-width: 100%; min-width: 96px; border-radius: 6px; display: block; margin-bottom: 4px;
  image-rendering: auto; }
audio { width: 100%; display: block; margin: 6px 0 4px; }
.key { font: 12px ui-monospace, monospace; color: var(--quiet); overflow-wrap: anywhere; }
.pill { background: var(--ground); border: 1px solid var(--line); border-radius: 99px;
  padding: 1px 10px; display: inline-block; }
"""


def page(found: inspection.Inspection) -> str:
    """Returns the page: all data is escaped, pictures and sounds are within it."""
    title = html.escape(f"{found.problem} {found.version}")
    total = found.splits[found.split]
    measured = f"measured on {found.read:,} of {total:,} examples of {html.escape(found.split)}"
    body = [
        f"<h1>{title}</h1>",
        f'<p class="quiet">generated records, source: {html.escape(found.source)}</p>',
        "<h2>Splits and features</h2>",
        f'<div class="grid"><div class="card">{_splits(found)}</div>',
        f'<div class="card">{_features(found)}</div></div>',
        f'<h2>Lengths and classes</h2><p class="quiet">{measured}</p><br>',
        f'<div class="grid">{"".join(_charts(found))}</div>',
        "<h2>Examples</h2>",
        f'<div class="grid">{"".join(_example(found, e) for e in found.examples)}</div>',
    ]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>{_STYLE}</style></head>\n<body>{''.join(body)}</body></html>\n"
    )


def _splits(found: inspection.Inspection) -> str:
    rows = "".join(
        f'<tr><td>{html.escape(split)}</td><td class="number">{found.says_count(split)}</td></tr>'
        for split in found.splits
    )
    return f"<table><tr><th>split</th><th>examples</th></tr>{rows}</table>"


def _features(found: inspection.Inspection) -> str:
    rows = "".join(
        f"<tr><td>{html.escape(name)}</td><td>{html.escape(declaration.kind)}</td></tr>"
        for name, declaration in found.modalities.items()
    )
    return f"<table><tr><th>feature</th><th>modality</th></tr>{rows}</table>"


def _charts(found: inspection.Inspection) -> list[str]:
    charts = []
    for name, lengths in found.lengths.items():
        counts = [(b.label, b.count) for b in lengths.bins]
        charts.append(_chart(name, lengths.summary(), counts))
    for name, classes in found.classes.items():
        counts = list(classes.items())[:_CLASSES_SHOWN]
        shown = "" if len(counts) == len(classes) else f", the {len(counts)} most frequent shown"
        charts.append(_chart(name, f"{len(classes)} classes{shown}", counts))
    return charts


def _chart(name: str, summary: str, counts: list[tuple[str, int]]) -> str:
    drawn = histogram.svg(counts, title=f"{name}: {summary}")
    return (
        f'<div class="card"><h3>{html.escape(name)}</h3>'
        f'<p class="quiet">{html.escape(summary)}</p>{drawn}</div>'
    )


def _example(found: inspection.Inspection, example: inspection.Example) -> str:
    parts = [f'<div class="card"><div class="key">{html.escape(example.key)}</div><dl>']
    for name, data in example.values.items():
        parts.append(f"<dt>{html.escape(name)}</dt><dd>{found.views[name].page(data)}</dd>")
    for data, count in example.others().items():
        often = "" if count == 1 else f" ({count} times)"
        parts.append(f"<dt>or{often}</dt><dd>{found.views['targets'].page(data)}</dd>")
    return "".join([*parts, "</dl></div>"])
