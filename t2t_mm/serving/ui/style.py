"""The style sheet of the page, with the colours of Gradio's theme, light and dark."""

CSS = """
:root { --mm-faint: #6b7280; }
.dark { --mm-faint: #9ca3af; }
.mm-html, .mm-html > div { padding: 0 !important; }
.mm-title { font-size: 1.4rem; font-weight: 600; margin: 0.25rem 0; }
.mm-about { color: var(--mm-faint); font-size: 0.875rem; margin: 0.25rem 0; }
.mm-message {
  border: 1px solid #dc2626;
  border-left-width: 4px;
  border-radius: 6px;
  background: color-mix(in srgb, #dc2626 10%, transparent);
  padding: 0.6rem 0.8rem !important;
  overflow-wrap: anywhere;
}
.mm-scroll { overflow-x: auto; max-width: 100%; }
.mm-best { width: 100%; border-collapse: collapse; font-size: 0.9rem; border: 0; }
.mm-best th { text-align: left; font-weight: 600; color: var(--mm-faint); }
.mm-best tr, .mm-best th, .mm-best td { border: 0; background: none; }
.mm-best th, .mm-best td {
  padding: 0.3rem 0.5rem;
  border-bottom: 1px solid var(--border-color-primary);
  overflow-wrap: anywhere;
}
.mm-best td:first-child { color: var(--mm-faint); width: 2rem; }
.mm-best th:last-child, .mm-best td:last-child {
  text-align: right;
  font-variant-numeric: tabular-nums;
  white-space: nowrap;
}
.mm-pictures section { margin: 1rem 0; }
.mm-pictures h4 { font-weight: 600; margin: 0 0 0.25rem; }
.mm-pictures small, .mm-pictures p {
  color: var(--mm-faint);
  font-size: 0.8rem;
  font-weight: 400;
  margin: 0.25rem 0;
}
.mm-pictures svg text { font: 12px var(--font-mono, monospace); fill: currentColor; }
.mm-pictures .mm-row { text-anchor: end; dominant-baseline: central; }
.mm-pictures .mm-frame { fill: none; stroke: var(--border-color-primary); }
.mm-pictures .mm-cell { fill: var(--primary-500, #6366f1); }
.mm-thumbs { display: flex; flex-wrap: wrap; gap: 0.6rem; }
.mm-thumbs figure { margin: 0; }
.mm-thumbs svg { border-radius: 6px; display: block; }
.mm-thumbs figcaption {
  text-align: center;
  font: 12px var(--font-mono, monospace);
  max-width: 112px;
  overflow-wrap: anywhere;
}
"""

HEAD = """
<style>
@media (max-width: 600px) { .gradio-container .main { padding: 12px !important; } }
</style>
"""
"""What lies outside of the part that Gradio lets `CSS` reach."""
