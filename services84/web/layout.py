"""The frame of every page: head, style, footer. Pure; what a page says is the page's own."""

from __future__ import annotations

from html import escape

from services84 import __version__

_STYLE = """
:root { color-scheme: light dark; --ink: #1c2126; --soft: #5b6670; --paper: #fbfbf9;
  --card: #fff; --line: #dfe2e0; --link: #0b5f8a; --code: #f1f3f2; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e7e9; --soft: #97a3ad; --paper: #14181b;
  --card: #1b2125; --line: #2d363c; --link: #6cbde6; --code: #232b30; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 62rem; padding: 2rem 1.25rem 3rem; background: var(--paper);
  color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 .3rem; }
h2 { font-size: 1.1rem; margin: 2.2rem 0 .6rem; }
h3 { font-size: .95rem; margin: 1.1rem 0 .3rem; }
p { margin: .4rem 0; max-width: 46rem; }
a { color: var(--link); }
.soft, footer { color: var(--soft); }
ul.links { display: flex; flex-wrap: wrap; gap: .5rem; list-style: none; margin: 1rem 0 0;
  padding: 0; }
ul.links a { display: block; padding: .35rem .75rem; border: 1px solid var(--line);
  border-radius: .4rem; background: var(--card); text-decoration: none; }
.wide { overflow-x: auto; }
table { width: 100%; border-collapse: collapse; background: var(--card);
  border: 1px solid var(--line); }
th, td { padding: .45rem .7rem; border-top: 1px solid var(--line); text-align: left;
  vertical-align: top; }
th { font-size: .8rem; color: var(--soft); font-weight: 600; }
code, pre { font: .87em/1.45 ui-monospace, "SFMono-Regular", Menlo, Consolas, monospace; }
pre { margin: .3rem 0; padding: .7rem .9rem; overflow-x: auto; background: var(--code);
  border-radius: .4rem; }
footer { margin-top: 2.5rem; font-size: .85rem; }
"""


def page(title: str, content: str) -> str:
    """A whole HTML document around `content`, which is HTML already; `title` is plain text."""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f"{content}\n<footer>services84 {escape(__version__)}</footer>\n</body>\n</html>\n"
    )


def code_block(text: str) -> str:
    """Preformatted text, escaped."""
    return f"<pre>{escape(text)}</pre>"
