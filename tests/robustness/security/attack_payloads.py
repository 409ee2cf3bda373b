"""Texts that a terminal, a browser or a reader of figures would act on, were they not shown."""

# ruff: noqa: E501  (a payload is easier to read on one line)
from __future__ import annotations

TERMINAL = (
    "\x1b[31mred\x1b[0m", "\x1b[2J\x1b[H", "\x1b[1A\x1b[2K", "\x1b[?25l", "\x1b[6n", "\x1b[5i", "\x1b]0;title\x07", "\x1b]52;c;ZXZpbA==\x07",
    "\x1b]8;;https://evil.example\x1b\\click\x1b]8;;\x1b\\", "\x1b]1337;File=:\x07", "\x1bP+q544e\x1b\\", "\x1b_evil\x1b\\", "\x1b^evil\x1b\\",
    "\x1bc", "\x1b(0", "\x1b#8", "\x9b31mred", "\x9d0;title\x9c", "\x90evil\x9c", "\x07", "\x08\x08\x08pass", "\rpass", "\x0b", "\x0c", "\x0e", "\x0f",
    "\x00", "\x7f", "\x85", "fine\nclaim ok", "a\r\nb", "\x1b", "\x1b[", "\x1b]", "a\tb",
)  # fmt: skip
UNICODE = (
    "\u202eevil\u202c", "\u202dx", "\u2066x\u2069", "\u2067x\u2069", "\u2068x\u2069", "\u200ex\u200f", "\u061cx", "a\u200bb", "a\u200cb", "a\u200db", "a\u2060b",
    "\ufeffx", "a\u00adb", "a\u2028b", "a\u2029b", "\U000e0041\U000e0042\U000e007f", "\ud800", "\udfff\ud800", "\uffff", "\ue000", "\ufff9a\ufffb", "\u180e",
    "c\u034far", "\u115f\u1160\u3164\uffa0", "\u17b4\u180b\u180f", "\u2764\ufe0f", "a\u2800b", "\u2065", "\U0001d173\U0001bca0", "\U000e01ef", "a\xa0b\u2009c\u3000d",
    "e\u0301\u0301\u0301\u0301", "\uff1cscript\uff1e", "ﬁ", "ﷺ", "𝕏", "ⅷ", "漢字", "👩‍👩‍👧", "İıßẞ", "Ω≈ç√",
)  # fmt: skip
MARKUP = (
    "[bold]b[/bold]", "[/]", "[/bold]", "[red on blue]x", "[link=https://evil.example]x[/link]", "[@click=app.bell]x[/]", "[not a tag", "\\[bold]x", "[[x]]", "[on #ff0000]x",
    ":skull:", ":warning-emoji:", "[blink]x[/blink]", "[reverse]", "{task.description}", "{0}", "%s%n", "$(touch evil)", "`touch evil`", "# title", "**b**", "![x](https://evil.example)",
    "$x^2$", "$\\frac{1}{0}$", "\\input{/etc/passwd}", "$\\mathdefault", "_a_", "^", "~", "a & b", "100 %",
)  # fmt: skip
BROWSER = (
    "<script>alert(1)</script>", "</script><script>alert(1)</script>", "<img src=x onerror=alert(1)>", "<svg onload=alert(1)>", "\"><script>alert(1)</script>", "' onmouseover='alert(1)",
    "\" style=\"x:expression(alert(1))", "javascript:alert(1)", "data:text/html,<script>alert(1)</script>", "<!-- x -->", "--><b>x", "]]><b>x", "<![CDATA[x]]>", "<?php x ?>", "&lt;b&gt;",
    "&#60;script&#62;", "&amp;", "<b", "<", ">", "\"", "'", "`", "</td></tr></table><h1>x</h1>", "</div><iframe src=//evil.example>", "</style><style>*{display:none}", "<a href=//evil.example>x</a>",
    "<base href=//evil.example>", "<meta http-equiv=refresh content=0>", "<form action=//evil.example><input>", "{{7*7}}", "${7*7}", "<%= 7*7 %>", "\\u003cscript\\u003e", "<\x00script>", "<scr\nipt>",
    "</text><script>x</script>", "<use xlink:href=\"//evil.example#x\"/>", "<foreignObject><b>x</b></foreignObject>", "url(//evil.example)", "@import '//evil.example'",
)  # fmt: skip
DATA = (
    "=cmd|' /C calc'!A0", "+1+1", "@SUM(1)", "-2+3", "\"}", "\",\"passed\":true,\"x\":\"", "\\", "\\\"", "\\n", "null", "NaN", "1e999", "../../evil", "/etc/passwd", "C:\\evil", "CON", "x" * 3000, "", " ", "  x  ",
    "x\u0300" * 300, ";rm -rf /", "|cat", "a,b", "a;b", "a\\tb",
)  # fmt: skip
SIMPLE = (*TERMINAL, *UNICODE, *MARKUP, *BROWSER, *DATA)
PAYLOADS = (*SIMPLE, *(f"words before {payload} and after" for payload in SIMPLE[:60]))
"""More than 200, alone and in the middle of words."""
